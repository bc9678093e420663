"""Finds a log and its verdicts in the topics by its origin, without reading the whole topic."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from include.names import STATUS_TOPIC, origin_of
from include.proof.contents import verdict_record
from include.topics import hops, times
from include.topics.hops import SECONDS
from include.topics.marks import is_correction, is_first_verdict

AROUND: Final = 500
"""Messages read on each side of the expected place: two concurrent drivers may have mixed the order."""
FURTHER: Final = 200_000
"""Most messages read in search of a correction."""
_LAST: Final = 100


@dataclass(frozen=True)
class Verdict:
    """A status message with the key of a log. `record` is empty if the content is not a verdict (a foreign message)."""

    offset: int
    record: dict[str, Any]
    rejudged: bool


@dataclass
class Found:
    """Result of a search for one log in a status partition, of which Kafka has the messages [first, end)."""

    first: int
    end: int
    judged: int
    """All logs before this offset have been judged."""
    place: int
    """Where the verdict is or would be."""
    verdicts: list[Verdict] = field(default_factory=list)
    """In the order of the topic; the last one counts."""
    searched_all: bool = True
    """Whether a search for corrections, if a sink required one, reached the end of the topic."""


def read(consumer: Consumer, topic: str, partition: int, begin: int, end: int) -> Iterator[Message]:
    """Yields the messages [begin, end). Raises KafkaException."""
    if begin >= end:
        return
    consumer.assign([TopicPartition(topic, partition, begin)])
    while True:
        message = consumer.poll(SECONDS)
        if message is None:
            raise KafkaException(KafkaError(KafkaError._TIMED_OUT))
        if (error := message.error()) is not None:
            if error.code() == KafkaError._PARTITION_EOF:
                return
            raise KafkaException(error)
        if (message.offset() or 0) >= end:
            return
        yield message
        if (message.offset() or 0) + 1 >= end:
            return


def find(consumer: Consumer, partition: int, offset: int, foreign: Collection[int] = ()) -> Found:
    """Finds the verdicts on the log by binary search: except for corrections, verdicts are in the order of their logs.

    `foreign`: offsets of foreign messages in this status partition.
    """
    first, end = consumer.get_watermark_offsets(TopicPartition(STATUS_TOPIC, partition), timeout=SECONDS)
    low, high, judged, after = first, end, 0, None
    while low < high:
        middle = (low + high) // 2
        at = next(_in_order(consumer, partition, middle, high, foreign), None)
        if at is not None and at[1] < offset:
            low, judged = at[0] + 1, at[1] + 1
        else:
            high, after = middle, at or after
    place = after[0] if after else low  # only corrections are between the two
    around = max(first, place - AROUND), min(end, place + AROUND)
    verdicts = _verdicts(consumer, partition, offset, *around, foreign)
    return Found(first, end, offset + 1 if after else judged, place, verdicts)


def add_corrections(
    consumer: Consumer, found: Found, partition: int, offset: int, foreign: Collection[int] = ()
) -> None:
    """Adds later verdicts on the log from the next FURTHER messages."""
    begin = found.place + AROUND
    end = min(found.end, begin + FURTHER)
    found.verdicts.extend(_verdicts(consumer, partition, offset, begin, end, foreign))
    found.searched_all = end == found.end


def _verdicts(
    consumer: Consumer, partition: int, offset: int, begin: int, end: int, foreign: Collection[int]
) -> list[Verdict]:
    """Returns the verdicts on the log among the status messages [begin, end)."""
    return [
        Verdict(message.offset() or 0, verdict_record(message.key(), message.value()) or {}, is_correction(message))
        for message in read(consumer, STATUS_TOPIC, partition, begin, end)
        if origin_of(message.key()) == (partition, offset) and message.offset() not in foreign
    ]


def _in_order(
    consumer: Consumer, partition: int, begin: int, end: int, foreign: Collection[int]
) -> Iterator[tuple[int, int]]:
    """Yields the offset and the origin's offset of each status message that is not a correction."""
    for message in read(consumer, STATUS_TOPIC, partition, begin, end):
        origin = origin_of(message.key())
        if origin is not None and not is_correction(message) and message.offset() not in foreign:
            yield message.offset() or 0, origin[1]


def newest_verdict(consumer: Consumer) -> datetime | None:
    """Returns when the stream sent its newest verdict; None if there is none in the last messages of each partition."""
    newest = 0
    for number, (first, end) in hops.topic_ranges(consumer, STATUS_TOPIC).items():
        for messages in hops.read_status(consumer, number, max(first, end - _LAST), end):
            newest = max([newest, *(message.timestamp()[1] for message in messages if is_first_verdict(message))])
    return times.utc(newest) if newest else None
