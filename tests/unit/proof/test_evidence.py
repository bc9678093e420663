"""What the proof reads from the status topic: the last verdict on each log counts, whatever else is in the topic."""

import json
from typing import Any
from zlib import crc32

import numpy as np
from confluent_kafka import Producer

from include.clients import kafka as kafka_client
from include.names import REJUDGED, STATUS_TOPIC
from include.proof import evidence
from include.proof.bucket_sums import BUCKET, CODES
from include.proof.evidence import Verdicts
from include.proof.resend import resend
from include.settings import Settings
from include.source.shipped import FIELDS
from tests.unit.staged.mock_kafka import SECONDS, MockKafka

PARTITION = 1


def value(offset: int, **edits: Any) -> bytes:
    record: dict[str, Any] = dict.fromkeys(FIELDS, "x") | {"account_id": 1, "event_timestamp": "2021-04-29T19:28:30Z"}
    record |= {"status": "good", "reasons": []}
    record |= {"origin": {"kafka_partition": PARTITION, "kafka_offset": offset}}
    record |= {"received_at": "2021-04-29T19:28:30.456Z", "users_version": 1, "revision": 0}
    return json.dumps(record | edits, separators=(",", ":")).encode()


def send(kafka: MockKafka, messages: list[tuple[bytes | None, bytes | None]]) -> None:
    producer = Producer({"bootstrap.servers": kafka.address, "log_level": 0})
    for key, message in messages:
        producer.produce(STATUS_TOPIC, message, key, PARTITION)
    assert producer.flush(SECONDS) == 0


def test_the_last_verdict_on_a_log_counts_and_foreign_messages_are_ignored(kafka: MockKafka) -> None:
    verdicts = {5: value(5), 6: value(6), 7: value(7, status="bad"), 2: value(2)}
    send(
        kafka,
        [
            (b"1-6", value(6, device="old")),
            *((f"1-{offset}".encode(), message) for offset, message in verdicts.items()),
            (b"1-6", b"hello"),
            (b"1-5", None),
            (b"1-5", value(7)),
            (None, value(5, status="suspicious")),
            (b"1-7", value(7, status="suspicious")),
            (b"1-1", value(1)),
        ],
    )
    read = []
    found = evidence.verdicts(kafka.looking, PARTITION, (0, 11), (5, 9), 2, read.append, foreign={9})
    assert found.codes.tolist() == [CODES["good"], CODES["good"], CODES["bad"], 0]
    assert found.checksums.tolist() == [*(crc32(verdicts[offset]) for offset in (5, 6, 7)), 0]
    assert (found.places.tolist(), found.before) == ([1, 2, 3, 0], {2: 4})
    assert (found.messages, sum(read)) == (4, 11)
    assert evidence.texts(kafka.looking, PARTITION, {5: 1, 7: 3}) == {5: verdicts[5], 7: verdicts[7]}


def test_a_resent_verdict_is_unchanged_and_marked_as_a_correction(kafka: MockKafka) -> None:
    send(kafka, [(b"1-5", value(5)), (b"1-6", value(6))])
    settings = Settings(kafka_bootstrap=kafka.address)
    assert resend(kafka_client.native(settings), kafka.looking, {PARTITION: {6: 1}}) == 1
    ((message,),) = evidence.read_status(kafka.looking, PARTITION, 2, 3)
    assert (message.key(), message.value()) == (b"1-6", value(6))
    ((name, _),) = message.headers() or ()
    assert name == REJUDGED


def test_large_verdicts_are_compared_in_small_chunks() -> None:
    first, end = BUCKET - 100, 3 * BUCKET + 7
    sizes = np.array([0, 0, 100 * 1024 * 1024, 0])
    chunks = list(Verdicts(first, *[np.empty(0)] * 3, sizes).chunks(first, end))  # type: ignore[call-arg]
    assert [offset for begin, stop in chunks for offset in range(begin, stop)] == list(range(first, end))
    assert all(begin // BUCKET == (stop - 1) // BUCKET for begin, stop in chunks)
    assert [sum(begin // BUCKET == bucket for begin, _ in chunks) for bucket in range(4)] == [1, 1, 13, 1]
