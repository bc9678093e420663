"""A producer with transactions sends logs: each has its status at once, and transaction markers are not logs."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from confluent_kafka import Message, Producer

from include.names import INDEXER_GROUP
from include.proof.evidence import missing_records
from jobs.database import Database
from jobs.driver import positions
from tests.integration.stack import Origin, Stack, prove, until, wait_until_it_loads
from tests.integration.test_odd_logs import log
from tests.integration.test_reconcile import proofs
from tests.integration.test_why import why

LOGS = 20
"""Logs of each transaction."""
PARTITION = 0


@contextmanager
def transaction(producer: Producer, commit: bool = True) -> Iterator[list[Origin]]:
    """Sends the logs of a transaction, and ends it after the block; yields their origins."""
    sent: list[Origin] = []

    def keep(error: object, message: Message) -> None:
        assert error is None, error
        sent.append((PARTITION, message.offset() or 0))

    producer.begin_transaction()
    for _ in range(LOGS):
        producer.produce("server-logs", log(event_id="transaction"), partition=PARTITION, on_delivery=keep)
    # Also before an abort: logs that have not been sent by then never are.
    assert producer.flush(30) == 0
    yield sent
    if commit:
        producer.commit_transaction(30)
    else:
        producer.abort_transaction(30)


def markers(stack: Stack, since: dict[int, int]) -> list[int]:
    """The offsets without a record, as found by another client."""
    there = {message.offset for message in stack.messages("server-logs", since) if message.partition == PARTITION}
    return sorted(set(range(since[PARTITION], max(there))) - there)


def test_logs_of_transactions_are_judged_and_their_markers_are_not_counted_as_logs(stack: Stack) -> None:
    wait_until_it_loads(stack)
    since, already = stack.now(), {proof["partition"]: proof["gaps"] for proof in proofs(stack)}
    options = {"transactional.id": f"test-{uuid.uuid4()}", "transaction.timeout.ms": 600_000}
    producer = Producer({**stack.env.outside.kafka, **options})
    producer.init_transactions(30)

    def are_loaded(origins: list[Origin]) -> None:
        assert len(origins) == LOGS
        until(lambda: set(origins) <= stack.loaded(since), 60, "the logs of a transaction are loaded")

    with transaction(producer) as sent:
        are_loaded(sent)
        # While it is open, the topic does not end at its first log: a new driver is not refused.
        begin = positions.of_logs(Database.of(stack.settings), stack.env.outside)
        assert begin[PARTITION] > max(offset for _, offset in sent)
    with transaction(producer, commit=False) as sent:
        are_loaded(sent)
    with transaction(producer) as sent:
        are_loaded(sent)

    def gaps() -> list[int]:
        found = markers(stack, since["server-logs"])
        return found if len(found) == 3 else []

    found = until(gaps, 60, "there are logs after the three markers")
    last = "SELECT last_offset FROM logs.load_progress WHERE kafka_partition = %s"
    until(lambda: stack.root_sql(last, (PARTITION,))[0][0] > found[-1], 60, "these are loaded")

    with stack.env.outside.looking(INDEXER_GROUP) as consumer:
        empty, removed = missing_records(consumer, PARTITION, np.arange(found[0] - 5, found[-1] + 1))
    assert (empty.tolist(), removed.tolist()) == (found, []), "the aborted logs between them exist"
    prove(stack, since)
    counted = {proof["partition"]: proof["gaps"] for proof in proofs(stack)}
    assert counted == already | {PARTITION: already[PARTITION] + 3}
    assert f"offsets without a log: {counted[PARTITION]}, left by" in stack.run("reconcile").stdout
    story = why(stack, (PARTITION, found[0]))["hops"]
    assert story["server-logs"].startswith("no log has this offset")
    assert story["server-logs-status"] == "not there: it is no log"

    # The proof has closed them: once Kafka has removed them, as its retention does, they are still no logs.
    stack.remove("server-logs", {PARTITION: found[-1] + 1})
    after = {proof["partition"]: proof for proof in proofs(stack)}
    assert (after[PARTITION]["gaps"], after[PARTITION]["differences"]) == (counted[PARTITION], {})
