"""A topic was deleted and recreated: a person adopts it, and no old log is lost or mixed with new ones."""

import json
import uuid
from contextlib import closing
from typing import Any

from kafka import KafkaAdminClient
from kafka.errors import TopicAlreadyExistsError

from include.names import TABLES
from include.topics.configs import SETTINGS
from jobs.database import Database
from jobs.driver import topic_ids
from tests.integration.stack import Stack, until
from tests.integration.test_stream_ends import check, drivers, wait_until_it_loads

APART = "server-logs-before-*"


def recreate(stack: Stack, topic: str) -> None:
    partitions = len(stack.ends(topic))
    with closing(KafkaAdminClient(**stack.kafka)) as admin:

        def is_created() -> bool:
            try:
                as_bootstrap = {"num_partitions": partitions, "replication_factor": 1, "configs": SETTINGS[topic]}
                admin.create_topics({topic: as_bootstrap})
            except TopicAlreadyExistsError:
                return False  # it is still being deleted
            return True

        admin.delete_topics([topic])
        until(is_created, 30, f"{topic} is recreated")
    until(lambda: len(stack.ends(topic)) == partitions, 30, f"{topic} has its partitions")


def tables_apart(stack: Stack) -> set[str]:
    return {name for (name,) in stack.root_sql("SHOW TABLES FROM logs") if "_before_" in name}


def documents(stack: Stack, index: str, query: Any = None) -> int:
    stack.search(f"{index}/_refresh", method="POST")
    return stack.search(f"{index}/_count", {"query": query or {"match_all": {}}})["count"]


def stop_and_count(stack: Stack) -> tuple[dict[str, int], int]:
    """Stops the stream; returns the numbers of rows by status and of documents, while only the generator runs."""
    wait_until_it_loads(stack)
    assert stack.run("stream", "stop").returncode == 0
    until(lambda: stack.status().lag["index"] <= 0, 60, "all verdicts are indexed")
    return stack.counts(), documents(stack, "server-logs")


def refusal(stack: Stack) -> str:
    """The reason why a driver would not start with these topics; empty if it would."""
    try:
        topic_ids.check(Database.of(stack.settings), stack.env.outside)
    except topic_ids.OtherTopicError as error:
        return str(error)
    return ""


def check_apart(stack: Stack, known: set[str], rows: dict[str, int]) -> None:
    """Checks that the tables set apart, besides the `known` ones, have each old row in the table of its status."""
    apart = tables_apart(stack) - known
    assert {name.split("_before_")[0] for name in apart} == set(TABLES.values())
    assert len(apart) == len(TABLES), "set apart once, even by a repeated run"
    found = {name.split("_logs")[0]: name for name in apart}
    assert {status: stack.root_sql(f"SELECT COUNT(*) FROM logs.{found[status]}")[0][0] for status in rows} == rows


def test_new_logs_are_adopted_and_the_old_ones_set_apart(stack: Stack) -> None:
    rows, indexed = stop_and_count(stack)
    tables, indices = tables_apart(stack), set(stack.search(APART))
    recreate(stack, "server-logs")
    assert "./logsieve topics --adopt" in refusal(stack)

    # What a user sees: Airflow keeps retrying a stream that is refused.
    assert "Triggered" in stack.run("stream", "start").stdout
    done = stack.run("topics", "--adopt", "--yes")
    assert done.returncode == 1
    assert "./logsieve stream stop" in done.stderr
    assert "has stopped" in stack.run("stream", "stop").stdout
    until(lambda: not drivers(stack), 60, "no driver is left")

    # It fails halfway, after the rows: the index cannot be set apart.
    stack.search("_cluster/settings", {"persistent": {"cluster.blocks.read_only": True}}, "PUT")
    try:
        done = stack.run("topics", "--adopt", "--yes")
        assert done.returncode == 1
        assert "not adopted" in done.stderr
        assert "_before_" in done.stderr, "it reports what it had done by then"
    finally:
        stack.search("_cluster/settings", {"persistent": {"cluster.blocks.read_only": None}}, "PUT")
    assert refusal(stack), "no driver starts after half of it"

    done = stack.run("topics", "--adopt", "--yes")
    assert done.returncode == 0, done.stderr
    assert refusal(stack) == ""
    check_apart(stack, tables, rows)
    clones = ",".join(set(stack.search(APART)) - indices)
    assert documents(stack, clones) == indexed
    assert sum(stack.counts().values()) == documents(stack, "server-logs") == 0
    (proven,) = stack.root_sql("SELECT IFNULL(MAX(next_offset), 0) FROM logs.reconciled")[0]
    assert proven == 0, "the next hourly proof starts with the first new log"
    lag = stack.status().lag
    assert lag["load"] == lag["index"] == 0, "there is no backlog but new logs"

    assert "Triggered" in stack.run("stream", "start").stdout
    names = [f"adopted-{uuid.uuid4()}" for _ in range(200)]
    fields = {"account_id": "684", "event_type": "other", "device": "IOS", "location_country": "FR"}
    log = fields | {"event_timestamp": "1619724510"}
    origins = stack.send([json.dumps(log | {"event_id": name}).encode() for name in names])
    check(stack)
    query = " UNION ALL ".join(
        f"SELECT kafka_partition, kafka_offset FROM logs.{table} WHERE event_id LIKE 'adopted-%'"
        for table in TABLES.values()
    )
    assert sorted(stack.root_sql(query)) == sorted(origins)
    for partition in stack.ends("server-logs"):
        firsts = [
            stack.root_sql(f"SELECT MIN(kafka_offset) FROM logs.{table} WHERE kafka_partition = {partition}")[0][0]
            for table in TABLES.values()
        ]
        assert min((first for first in firsts if first is not None), default=0) == 0, "from the first log on"
    found = {"terms": {"event_id": names}}
    until(lambda: documents(stack, "server-logs", found) == len(names), 60, "each new log has its document")
    done = stack.run("reconcile")
    assert done.returncode == 0, done.stdout + done.stderr
    check_apart(stack, tables, rows)
    assert documents(stack, clones) == indexed

    done = stack.run("topics", "--adopt", "--yes")
    assert done.returncode == 1
    assert "nothing to adopt" in done.stderr


def test_with_a_new_status_topic_all_existing_logs_are_rejudged(stack: Stack) -> None:
    rows, _ = stop_and_count(stack)
    tables = tables_apart(stack)
    recreate(stack, "server-logs-status")
    assert "./logsieve topics --adopt" in refusal(stack)
    done = stack.run("topics", "--adopt", "--yes")
    assert done.returncode == 0, done.stderr
    check_apart(stack, tables, rows)
    assert "Triggered" in stack.run("stream", "start").stdout
    check(stack)
    assert sum(stack.counts().values()) >= sum(rows.values())
    done = stack.run("reconcile")
    assert done.returncode == 0, done.stdout + done.stderr
