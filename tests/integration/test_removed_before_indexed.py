"""Kafka has removed verdicts before they were indexed: the indexer stops and names them until a person continues it."""

import subprocess
import sys
import uuid
from contextlib import closing

import numpy as np
import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]

from include.clients import kafka as kafka_client
from include.index import positions
from include.names import STATUS_TOPIC
from include.settings import ROOT
from include.stack.repair import rejudge
from include.stack.run import supervisor
from include.topics.offsets import runs
from include.topics.readers import Wait, read_batch, reader
from tests.integration.stack import Stack, until, wait_until_it_loads
from tests.integration.test_elasticsearch_away import send_and_load, until_indexed

INDEXER = "indexer"


def read_on(consumer: Consumer, topic: str) -> int:
    """The offset of the first message that the group gets."""
    consumer.subscribe([topic], on_assign=positions.begin)
    return int(until(lambda: read_batch(consumer, 1, Wait(0.5)).messages, 30, "a message arrives")[0].offset())


def test_a_new_group_starts_at_the_oldest_message_and_detects_later_removals(stack: Stack) -> None:
    kafka, topic = kafka_client.native(stack.settings), f"test-removed-{uuid.uuid4()}"
    admin = AdminClient(kafka)
    admin.create_topics([NewTopic(topic, 1, 1)])[topic].result(30)
    producer = Producer(kafka)
    for _ in range(10):
        producer.produce(topic, b"{}", partition=0)
    assert producer.flush(30) == 0
    stack.remove(topic, {0: 3})
    error = {"auto.offset.reset": "error"}

    with closing(reader(kafka, topic, **error)) as consumer:
        assert read_on(consumer, topic) == 3
        (place,) = consumer.committed([TopicPartition(topic, 0)], timeout=30)
        assert place.offset == 3, "before it has read anything"

    stack.remove(topic, {0: 5})
    with closing(reader(kafka, topic, **error)) as consumer:
        with pytest.raises(KafkaException) as raised:
            read_on(consumer, topic)
        assert raised.value.args[0].code() == KafkaError._AUTO_OFFSET_RESET
    admin.delete_topics([topic])[topic].result(30)


def go_on(stack: Stack) -> str:
    """Continues the indexer as a person does in a shell, while supervisord restarts it; returns the output."""
    done = subprocess.run(
        [sys.executable, "-m", "include.index.indexer", "--go-on"],
        env={**stack.env.machine(), **stack.env.variables()},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stderr


def test_the_indexer_stops_at_removed_verdicts_until_a_person_continues_it(stack: Stack) -> None:
    wait_until_it_loads(stack)
    since = stack.now()
    until_indexed(stack, send_and_load(stack))
    log = supervisor.log_file(stack.env, INDEXER)
    traces = log.read_text().count("Traceback")
    supervisor.halt(stack.env, INDEXER)
    try:
        lost = send_and_load(stack)
        # Only loaded messages: otherwise the driver would stop too.
        progress = stack.root_sql("SELECT kafka_partition, last_offset, status_offset + 1 FROM logs.load_progress")
        stack.remove(STATUS_TOPIC, {number: end for number, _, end in progress if number in since[STATUS_TOPIC]})
        supervisor.run(stack.env, INDEXER)
        until(lambda: "were removed before they were indexed" in log.read_text(), 60, "the indexer names them")
        until(lambda: stack.status().servers[INDEXER] != "ok", 30, "status shows it")
        done = stack.run("airflow", "tasks", "test", "watch_logs", "lag")
        assert "python -m include.index.indexer --go-on" in done.stdout + done.stderr, done.stderr[-3000:]
        assert not stack.documents(lost)
    finally:
        given_up = go_on(stack)
        until(lambda: stack.status().servers[INDEXER] == "ok", 180, "the indexer is healthy again")
    assert "were removed before they were indexed" in given_up
    assert log.read_text().count("Traceback") == traces, "it is logged in one line"
    until_indexed(stack, send_and_load(stack))

    # The rows exist, and here Kafka still has the logs: once rejudged, they have their documents.
    last = {number: offset for number, offset, _ in progress}
    rows = {origin[:2]: origin[2] for origin in stack.rows(since) if origin[1] <= last[origin[0]]}
    missing = sorted(rows.keys() - stack.documents(list(rows)).keys())
    assert set(lost) <= set(missing)
    by_partition = {number: [offset for other, offset in missing if other == number] for number in last}
    origins = {number: runs(np.array(offsets)) for number, offsets in by_partition.items() if offsets}
    rejudge.run(stack.env, origins=origins)
    until(lambda: stack.documents(list(rows)) == rows, 60, "every document matches its row")
    # Nobody can prove the removed verdicts any more: a manual proof closes them.
    stack.run("reconcile")
    assert stack.run("reconcile").returncode == 0
