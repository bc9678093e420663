"""A healthy run: every log has exactly one status, and every hop has the same ones, as counted by other clients."""

import json
from collections import Counter
from datetime import UTC, datetime

import pytest

from include.names import STATUSES
from tests.integration.stack import Moment, Stack, check, is_correction, until, wait_until_it_loads

LOGS = 800


@pytest.fixture(scope="module")
def since(stack: Stack) -> Moment:
    """A moment after which the generator has sent LOGS logs, and nobody else any."""
    wait_until_it_loads(stack)
    moment = stack.now()
    stack.generate(LOGS)
    until(lambda: len(stack.rows(moment)) > LOGS, 60, f"{LOGS} new logs are loaded")
    return moment


def test_every_hop_has_the_same_verdicts(stack: Stack, since: Moment) -> None:
    check(stack, since)
    rows = {(partition, offset): status for partition, offset, status in stack.rows(since)}
    messages = stack.messages("server-logs-status", since["server-logs-status"])
    verdicts = {message.key.decode(): json.loads(message.value) for message in messages}
    assert all(message.key.decode().split("-")[0] == str(message.partition) for message in messages)
    for (partition, offset), status in rows.items():
        assert verdicts[f"{partition}-{offset}"]["status"] == status
    partition, offset = next(iter(rows))
    document = stack.document(f"{partition}-{offset}")
    assert document == verdicts[f"{partition}-{offset}"], "the document is the status message"


def test_all_three_statuses_occur_in_about_their_shares(stack: Stack, since: Moment) -> None:
    rows = stack.rows(since)
    counts = Counter(status for _, _, status in rows)
    assert 0.02 < counts["bad"] / len(rows) < 0.10
    assert 0.02 < counts["suspicious"] / len(rows) < 0.10


def test_verdicts_keep_the_order_of_their_logs(stack: Stack, since: Moment) -> None:
    last: dict[int, int] = {}
    for message in stack.messages("server-logs-status", since["server-logs-status"]):
        if not is_correction(message):
            offset = int(message.key.decode().split("-")[1])
            assert offset > last.get(message.partition, -1), "no restart happened, so verdicts come in order, once each"
            last[message.partition] = offset


def test_a_verdict_takes_only_seconds(stack: Stack) -> None:
    def age() -> float:
        query = "SELECT TIMESTAMPDIFF(MICROSECOND, MAX(received_at), UTC_TIMESTAMP(6)) / 1e6 FROM logs.good_logs"
        # Other tests send logs dated ahead.
        return float(stack.root_sql(query + " WHERE received_at < '9000-01-01'")[0][0])

    wait_until_it_loads(stack)
    assert age() < 30


def test_good_logs_agree_with_the_users_dimension(stack: Stack, since: Moment) -> None:
    on = "account_no = account_id AND valid_from <= event_timestamp"
    on += " AND (valid_to IS NULL OR event_timestamp < valid_to)"
    where = " OR ".join(f"(kafka_partition = {n} AND kafka_offset >= {o})" for n, o in since["server-logs"].items())
    wrong = stack.root_sql(
        f"SELECT COUNT(*) FROM logs.good_logs LEFT JOIN dim_users.users_history ON {on}"
        f" WHERE ({where}) AND (user_device IS NULL OR user_device <> device)"
    )
    right = stack.root_sql(
        f"SELECT COUNT(*) FROM logs.suspicious_logs JOIN dim_users.users_history ON {on}"
        f" WHERE ({where}) AND user_device = device"
    )
    assert (wrong[0][0], right[0][0]) == (0, 0)


def test_times_are_utc(stack: Stack, since: Moment) -> None:
    partition, offset, _ = next(row for row in stack.rows(since) if row[2] == "good")
    query = "SELECT received_at, event_timestamp FROM logs.good_logs WHERE kafka_partition = %s AND kafka_offset = %s"
    ((received_at, event_timestamp),) = stack.root_sql(query, (partition, offset))
    messages = stack.messages("server-logs", {**stack.ends("server-logs"), partition: offset})
    message = next(found for found in messages if (found.partition, found.offset) == (partition, offset))
    assert received_at.replace(tzinfo=UTC) == datetime.fromtimestamp(message.timestamp / 1000, UTC)
    assert event_timestamp.replace(tzinfo=UTC).timestamp() == int(json.loads(message.value)["event_timestamp"])


def test_the_command_counts_the_same_as_other_clients(stack: Stack) -> None:
    before = stack.counts()
    found = json.loads(stack.run("status", "--json").stdout)
    after = stack.counts()
    for status in STATUSES:
        assert before[status] <= found["mysql"][status] <= after[status]
    assert found["healthy"], found["servers"]
    assert found["refused_documents"] == 0
    # Without the DAGs that check data or users: other tests create faults for them.
    for dag_id in ("bootstrap", "generate_logs", "classify_logs"):
        assert found["dags"][dag_id]["state"] != "failed", found["dags"]
