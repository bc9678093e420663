"""A healthy run: every log has exactly one status, and every hop has the same ones, as counted by other clients."""

import json
from collections import Counter
from datetime import UTC, datetime

from include.names import STATUSES, TABLES
from tests.integration.stack import Stack, until


def test_every_hop_has_the_same_verdicts(stack: Stack) -> None:
    logs = {(message.partition, message.offset) for message in stack.messages("server-logs")}
    assert len(logs) > 100

    def all_arrived() -> bool:
        loaded = {(row[0], row[1]) for table in TABLES.values() for row in _origins(stack, table)}
        return logs <= loaded

    until(all_arrived, 60, "every log that was sent is in a table")
    in_tables = {
        (partition, offset): status
        for status, table in TABLES.items()
        for partition, offset in _origins(stack, table)
        if (partition, offset) in logs
    }
    assert sum(len([row for row in _origins(stack, table) if tuple(row) in logs]) for table in TABLES.values()) == len(
        logs
    ), "no log is in two tables"

    messages = list(stack.messages("server-logs-status"))
    verdicts = {message.key.decode(): json.loads(message.value) for message in messages}
    for partition, offset in logs:
        assert verdicts[f"{partition}-{offset}"]["status"] == in_tables[partition, offset]
    assert all(message.key.decode().split("-")[0] == str(message.partition) for message in messages)

    keys = [f"{partition}-{offset}" for partition, offset in logs]
    until(lambda: _documents(stack, keys).keys() == set(keys), 30, "every log is in the index")
    documents = _documents(stack, keys)
    assert {key: documents[key]["status"] for key in keys} == {key: verdicts[key]["status"] for key in keys}
    assert documents[keys[0]] == verdicts[keys[0]], "the document is the status message"


def test_all_three_statuses_occur_in_about_their_shares(stack: Stack) -> None:
    # Of new logs only, which are all the generator's: other tests send bad ones by the hundred.
    since = stack.now()
    rows = until(lambda: len(found := stack.rows(since)) > 800 and found, 60, "800 new logs")
    counts = Counter(status for _, _, status in rows)
    assert 0.02 < counts["bad"] / len(rows) < 0.10
    assert 0.02 < counts["suspicious"] / len(rows) < 0.10


def test_verdicts_keep_the_order_of_their_logs(stack: Stack) -> None:
    last: dict[int, int] = {}
    for message in stack.messages("server-logs-status"):
        offset = int(message.key.decode().split("-")[1])
        assert offset >= last.get(message.partition, -1), "no restart happened, so verdicts come in order"
        last[message.partition] = offset


def test_a_verdict_takes_only_seconds(stack: Stack) -> None:
    ages = stack.root_sql("SELECT TIMESTAMPDIFF(MICROSECOND, MAX(received_at), UTC_TIMESTAMP(6)) FROM logs.good_logs")
    assert ages[0][0] < 30e6


def test_good_logs_agree_with_the_users_dimension(stack: Stack) -> None:
    on = "account_no = account_id AND valid_from <= event_timestamp"
    on += " AND (valid_to IS NULL OR event_timestamp < valid_to)"
    wrong = stack.root_sql(
        f"SELECT COUNT(*) FROM logs.good_logs LEFT JOIN dim_users.users_history ON {on}"
        " WHERE user_device IS NULL OR user_device <> device"
    )
    right = stack.root_sql(
        f"SELECT COUNT(*) FROM logs.suspicious_logs JOIN dim_users.users_history ON {on} WHERE user_device = device"
    )
    assert (wrong[0][0], right[0][0]) == (0, 0)


def test_times_are_utc(stack: Stack) -> None:
    stored = stack.root_sql(
        "SELECT kafka_partition, kafka_offset, received_at, event_timestamp FROM logs.good_logs"
        " ORDER BY received_at DESC LIMIT 1"
    )[0]
    since = {**stack.ends("server-logs"), stored[0]: stored[1]}
    (message,) = [
        found for found in stack.messages("server-logs", since) if (found.partition, found.offset) == tuple(stored[:2])
    ]
    assert stored[2].replace(tzinfo=UTC) == datetime.fromtimestamp(message.timestamp / 1000, UTC)
    assert stored[3].replace(tzinfo=UTC).timestamp() == int(json.loads(message.value)["event_timestamp"])


def test_the_command_counts_the_same_as_other_clients(stack: Stack) -> None:
    before = stack.counts()
    found = stack.status()
    after = stack.counts()
    for status in STATUSES:
        assert before[status] <= found["mysql"][status] <= after[status]
    assert found["healthy"], found["servers"]
    assert found["refused_documents"] == 0
    # Without the DAGs that check data: earlier tests have created faults for them.
    for dag_id in ("bootstrap", "generate_logs", "classify_logs", "users_dimension"):
        assert found["dags"][dag_id]["state"] != "failed", found["dags"]


def _origins(stack: Stack, table: str) -> list[tuple[int, int]]:
    return stack.root_sql(f"SELECT kafka_partition, kafka_offset FROM logs.{table}")  # type: ignore[return-value]


def _documents(stack: Stack, keys: list[str]) -> dict[str, dict]:
    found = {}
    for start in range(0, len(keys), 5000):
        body = {"ids": keys[start : start + 5000]}
        docs = stack.search("server-logs/_mget", body)["docs"]
        found |= {doc["_id"]: doc["_source"] for doc in docs if doc["found"]}
    return found
