"""Users change between a log's verdicts: the last verdict wins at every hop, and the log has a row in one table."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from include.names import origin_key
from include.stack.repair import rejudge
from tests.integration.stack import EPOCH, Stack, is_correction, prove, until, wait_until_it_loads
from tests.integration.test_odd_logs import log
from tests.integration.test_start_of_driver import start_manually

ACCOUNT = -684
"""An account without other logs, so that the test's changes affect none."""
STATUS = "server-logs-status"
PERIOD = "(%s, 'ANDROID', '1970-01-01', NULL, '2026-01-01')"
VERSION_IN_USE = "SELECT users_version FROM logs.driver_lease WHERE name = 'stream_logs'"


@pytest.fixture
def users(stack: Stack) -> Iterator[Stack]:
    yield stack
    stack.root_sql("DELETE FROM dim_users.users_history WHERE account_no = %s", (ACCOUNT,))


def test_a_log_moves_to_the_table_of_its_last_verdict(users: Stack) -> None:
    stack, since = users, users.now()
    origins = stack.send([log(account_id=ACCOUNT, event_id=f"users-changed-{number}") for number in range(20)])
    runs = {number: [(at, at) for part, at in origins if part == number] for number, _ in origins}

    def are(status: str) -> None:
        """Waits until each log has exactly one row and one document with this status."""
        wanted = sorted((*origin, status) for origin in origins)
        until(
            lambda: sorted(row for row in stack.rows(since) if row[:2] in origins) == wanted, 60, f"rows are {status}"
        )
        until(lambda: stack.documents(origins) == dict.fromkeys(origins, status), 60, f"documents are {status}")

    are("suspicious")
    stack.root_sql(f"INSERT INTO dim_users.users_history VALUES {PERIOD}", (ACCOUNT,))
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


def test_a_change_of_users_ends_the_running_batch(users: Stack) -> None:
    """In real-time mode the batch would continue for minutes, with the users it began with."""
    stack, since = users, users.now()
    wait_until_it_loads(stack)
    (driver,), before = stack.root_sql(EPOCH), beginnings(stack)
    version = make_known(stack)
    until(lambda: stack.root_sql(VERSION_IN_USE) == [(version,)], 60, "the stream judges with the new users")
    until(lambda: len(beginnings(stack)) == len(before) + 1, 60, "classify has restarted")
    origins = stack.send([log(account_id=ACCOUNT, event_id="users-changed-known")])
    wanted = [(*origin, "good") for origin in origins]
    until(lambda: [row for row in stack.rows(since) if row[:2] in origins] == wanted, 60, "the account is known now")
    assert stack.root_sql(EPOCH) == [driver], "the driver is the same"
    prove(stack, since)


def test_a_driver_that_waited_for_its_lease_judges_with_users_loaded_meanwhile(users: Stack, tmp_path: Path) -> None:
    """A rejudgement that runs meanwhile does not wait for this driver, so it must not use the earlier users."""
    stack, since, log_file = users, users.now(), tmp_path / "driver.log"
    lease = "UPDATE logs.driver_lease SET owner = 'another', holder = '', heartbeat_at = {} WHERE name = 'stream_logs'"
    assert stack.run("stream", "stop").returncode == 0
    stack.root_sql(lease.format("UTC_TIMESTAMP(3) + INTERVAL 1 HOUR"))
    try:
        with start_manually(stack, log_file, "--trigger", "available-now") as driver:
            try:
                until(lambda: "of the users history" in log_file.read_text(), 60, "it has read the users")
                version = make_known(stack)
                origins = stack.send([log(account_id=ACCOUNT, event_id="users-changed-before-the-lease")])
                stack.root_sql(lease.format("'1970-01-01'"))
                assert driver.wait(180) == 0, log_file.read_text()[-3000:]
            finally:
                driver.kill()
        assert [row for row in stack.rows(since) if row[:2] in origins] == [(*origin, "good") for origin in origins]
        assert stack.root_sql(VERSION_IN_USE) == [(version,)]
    finally:
        stack.root_sql(lease.format("'1970-01-01'"))
        assert stack.run("stream", "start").returncode == 0
    prove(stack, since)


def make_known(stack: Stack) -> int:
    """Adds the account to the history, with the next version; returns that version."""
    stack.root_sql(f"INSERT INTO dim_users.users_history VALUES {PERIOD}", (ACCOUNT,))
    stack.root_sql("UPDATE dim_users.users_version SET version = version + 1")
    return int(stack.root_sql("SELECT version FROM dim_users.users_version")[0][0])


def beginnings(stack: Stack) -> set[Path]:
    """The folders of `classify`, one for each of its starts."""
    if stack.kubernetes is not None:
        return set(stack.kubernetes.found("checkpoints", "classify"))
    return set(stack.settings.checkpoints.glob("*/classify"))
