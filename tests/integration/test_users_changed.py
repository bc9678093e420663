"""Users change between a log's first verdict and its next ones: the last verdict wins at every hop, in one table."""

import json
from collections.abc import Iterator

import pytest

from include.names import origin_key
from include.stack import rejudge
from tests.integration.stack import Stack, is_correction, prove, until
from tests.integration.test_odd_logs import log

ACCOUNT = -684
"""Nobody's, so that no other log is judged by what this test does to it."""
STATUS = "server-logs-status"


@pytest.fixture
def users(stack: Stack) -> Iterator[Stack]:
    yield stack
    stack.root_sql("DELETE FROM dim_users.users_history WHERE account_no = %s", (ACCOUNT,))


def test_a_log_moves_to_the_table_of_its_last_verdict(users: Stack) -> None:
    stack, since = users, users.now()
    origins = stack.send([log(account_id=ACCOUNT, event_id=f"users-changed-{number}") for number in range(20)])
    runs = {number: [(at, at) for part, at in origins if part == number] for number, _ in origins}

    def are(status: str) -> None:
        """One row each, so in one table, and one document."""
        wanted = sorted((*origin, status) for origin in origins)
        until(
            lambda: sorted(row for row in stack.rows(since) if row[:2] in origins) == wanted, 60, f"rows are {status}"
        )
        until(lambda: stack.documents(origins) == dict.fromkeys(origins, status), 60, f"documents are {status}")

    are("suspicious")
    period = "(%s, 'ANDROID', '1970-01-01', NULL, '2026-01-01')"
    stack.root_sql(f"INSERT INTO dim_users.users_history VALUES {period}", (ACCOUNT,))
    rejudge.run(stack.env, origins=runs)
    are("good")
    stack.root_sql("UPDATE dim_users.users_history SET user_device = 'IOS' WHERE account_no = %s", (ACCOUNT,))
    rejudge.run(stack.env, origins=runs)
    are("suspicious")

    messages = stack.messages(STATUS, since[STATUS])
    for origin in origins:
        verdicts = [message for message in messages if message.key.decode() == origin_key(*origin)]
        reasons = [json.loads(message.value)["reasons"] for message in verdicts]
        assert reasons == [["unknown_account"], [], ["unexpected_device"]]
        assert [is_correction(message) for message in verdicts] == [False, True, True]
        assert [json.loads(message.value)["revision"] for message in verdicts] == [0, 1, 2]
    prove(stack, since)
