"""Inspects the logs that classify is about to read, for those that would make it fail at every try.

Spark's Kafka source fails at a timestamp that does not fit into 64 bits as microseconds, and Java's client decompresses
all records of a poll into the heap, however small they were compressed. librdkafka reads any timestamp, and it
decompresses outside that heap.
"""

import itertools
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from include import names
from include.clients.outside import Outside
from include.topics import hops

POLL_RECORDS: Final = 10_000
"""Most records per poll, for small logs: after each poll Spark asks Kafka for both ends of the partition."""
_MOST_BYTES: Final = 256 * 1024 * 1024
"""Most bytes to inspect of one partition: many large logs take long to read."""
_MILLISECONDS: Final = 2**63 // 1000 - 10**12
"""The largest timestamp in Spark, less the years by which Spark shifts times of old calendars."""
_UNREADABLE: Final = frozenset(
    {
        KafkaError._BAD_MSG,
        KafkaError._BAD_COMPRESSION,
        KafkaError._NOT_IMPLEMENTED,
        KafkaError.INVALID_MSG,
        KafkaError.MSG_SIZE_TOO_LARGE,
    }
)
"""librdkafka's errors for a log that it can never read."""


class Log(NamedTuple):
    """A log as librdkafka reads it. `value`: only its beginning if it is too large; `size`: of all of it, if known."""

    offset: int
    milliseconds: int
    value: bytes | None
    size: int | None
    is_readable: bool = True
    """Whether the value is complete, so the log can be judged."""


@dataclass(frozen=True)
class Ahead:
    """The result. `odd`: for each partition with logs that Spark cannot read, the offset after the last one."""

    odd: Mapping[int, int]
    poll_records: int
    """The most logs per poll that fit into the heap."""


def look(outside: Outside, begin: Mapping[int, int], heap: int) -> Ahead:
    """Inspects the next POLL_RECORDS logs of each partition. `heap`: Java's heap in bytes. Raises KafkaException."""
    odd, poll_records = {}, POLL_RECORDS
    with reader(outside) as consumer:
        for partition, offset in begin.items():
            sizes, seen = [], 0
            for log in itertools.islice(read(consumer, partition, offset, heap), POLL_RECORDS):
                sizes.append(log.size or 0)
                if is_odd(log):
                    odd[partition] = log.offset + 1
                seen += log.size or 0
                if seen > _MOST_BYTES:
                    break
            poll_records = min(poll_records, fitting(sizes, heap // 16))
    return Ahead(odd, poll_records)


def is_odd(log: Log) -> bool:
    """Whether Spark's source cannot read the log, or the driver cannot hold it. Pure."""
    return not log.is_readable or abs(log.milliseconds) > _MILLISECONDS


def fitting(sizes: list[int], most: int) -> int:
    """The largest power of ten, up to POLL_RECORDS, so that no run of that many logs exceeds `most` bytes. Pure."""
    ends = np.cumsum([0, *sizes])
    records = POLL_RECORDS
    while records > 1:
        together = ends[records:] - ends[:-records] if len(sizes) >= records else ends[-1:]
        if together.max() <= most:
            break
        records //= 10
    return records


def largest(heap: int) -> int:
    """The largest log, in bytes, that can be judged with this heap: each stage of the pipeline has a copy."""
    return heap // 32


def reader(outside: Outside) -> AbstractContextManager[Consumer]:
    """A consumer for `read`."""
    return outside.looking(names.DRIVER, **{"queued.max.messages.kbytes": 16 * 1024})


def read(consumer: Consumer, partition: int, begin: int, heap: int) -> Iterator[Log]:
    """The logs of a partition from `begin` to its current end. Raises KafkaException.

    A log that librdkafka cannot read either, because its compression is broken or too large, has no value.
    """
    consumer.assign([TopicPartition(names.LOGS_TOPIC, partition, begin)])
    most, position = largest(heap), begin
    while True:
        message = consumer.poll(hops.SECONDS)
        if message is None:
            raise KafkaException(KafkaError(KafkaError._TIMED_OUT))
        if (error := message.error()) is None:
            log = _log(message, most)
            yield log
            position = log.offset + 1
        elif error.code() == KafkaError._PARTITION_EOF:
            return
        elif error.code() in _UNREADABLE:
            # The error has the offset at which its batch begins; a part of the batch may have been read already.
            position = max(position, message.offset() or 0)
            yield Log(position, 0, None, None, is_readable=False)
            position += 1
            consumer.seek(TopicPartition(names.LOGS_TOPIC, partition, position))
        else:
            raise KafkaException(error)


def _log(message: Message, most: int) -> Log:
    value: Any = message.value()
    size = None if value is None else len(value)
    fits = size is None or size <= most
    return Log(message.offset() or 0, message.timestamp()[1], value if fits else value[: names.MAX_RAW], size, fits)
