"""Partitions are added while logs flow: the stream restarts with more task slots, and loses and doubles nothing."""

import json
from contextlib import closing

import pytest
from kafka import KafkaAdminClient, KafkaProducer

from jobs.database import Database
from jobs.driver import inputs
from tests.integration.stack import EPOCH, Stack, check, until, wait_until_it_loads

TOPICS = ("server-logs", "server-logs-status")


def partitions(stack: Stack) -> list[int]:
    return [len(stack.ends(topic)) for topic in TOPICS]


def send_to(stack: Stack, partition: int, count: int) -> set[tuple[int, int]]:
    """Sends logs of account 684 to one partition with another client; returns their origins."""
    fields = {"account_id": "684", "event_type": "other", "device": "IOS", "location_country": "FR"}
    values = [fields | {"event_id": str(number), "event_timestamp": "1619724510"} for number in range(count)]
    with closing(KafkaProducer(**stack.kafka)) as producer:
        sent = [producer.send("server-logs", json.dumps(value).encode(), partition=partition) for value in values]
        done = [future.get(timeout=30) for future in sent]
    return {(record.partition, record.offset) for record in done}


def test_the_stream_reads_new_partitions_by_itself(stack: Stack) -> None:
    wait_until_it_loads(stack)
    since = stack.now()
    before = partitions(stack)[0]
    (epoch,) = stack.root_sql(EPOCH)[0]
    done = stack.run("topics", "--partitions", str(before + 1))
    assert done.returncode == 0, done.stderr
    assert all(f"{topic}: {before} → {before + 1} partitions" in done.stderr for topic in TOPICS)
    assert partitions(stack) == [before + 1] * 2
    origins = send_to(stack, before, 500)

    until(lambda: stack.root_sql(EPOCH)[0][0] > epoch, 90, "a driver with more task slots has the lease")
    until(lambda: origins <= stack.loaded(), 60, "the new partition is loaded")
    (epoch,) = stack.root_sql(EPOCH)[0]
    check(stack, since)
    assert stack.root_sql(EPOCH)[0][0] == epoch, "one restart was enough"


def test_repeating_it_does_no_harm_and_fewer_partitions_are_refused(stack: Stack) -> None:
    count = partitions(stack)[0]
    done = stack.run("topics", "--partitions", str(count))
    assert done.returncode == 0, done.stderr
    assert f"server-logs has {count} partitions already" in done.stderr
    done = stack.run("topics", "--partitions", str(count - 1))
    assert done.returncode == 1
    assert "Kafka cannot remove any" in done.stderr
    assert partitions(stack) == [count, count]


def test_logs_wait_until_the_status_topic_has_their_partition_too(stack: Stack) -> None:
    """The partition was added with another tool, to one topic only."""
    since = stack.now()
    count = partitions(stack)[0]
    with closing(KafkaAdminClient(**stack.kafka)) as admin:
        admin.create_partitions({"server-logs": count + 1})
    database, outside = Database.of(stack.settings), stack.env.outside
    remedy = rf"server-logs-status, which has {count}.*\./logsieve topics --partitions {count + 1}"
    with pytest.raises(inputs.NotProvisionedError, match=remedy):
        inputs.wait(database, outside, 0.5)
    origins = send_to(stack, count, 100)
    done = stack.run("topics", "--partitions", str(count + 1))
    assert f"server-logs-status: {count} → {count + 1} partitions" in done.stderr
    assert f"server-logs has {count + 1} partitions already" in done.stderr
    until(lambda: origins <= stack.loaded(), 150, "they are judged and loaded")
    check(stack, since)
