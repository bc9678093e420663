"""Finds a log and its verdicts in the topics by its origin, reading some dozens of messages and not the topic."""

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
"""Messages read on either side of where the verdict should be: two drivers at once may have mixed their order."""
FURTHER: Final = 200_000
"""Messages read in search of a correction, at most."""
_LAST: Final = 100


@dataclass(frozen=True)
class Verdict:
    """A status message of one log; `record` is empty when it is no verdict, as only a stranger sends one."""

    offset: int
    record: dict[str, Any]
    rejudged: bool


@dataclass
class Found:
    """What the status partition tells of one log; Kafka has its messages from `first` up to `end`, without it."""

    first: int
    end: int
    judged: int
    """Every log before this offset has been judged."""
    place: int
    """Where the verdict is or would be."""
    verdicts: list[Verdict] = field(default_factory=list)
    """In the order of the topic: the last one counts."""
    searched_all: bool = True
    """Whether corrections were looked for up to the end of the topic, where a sink gave reason to."""


def read(consumer: Consumer, topic: str, partition: int, begin: int, end: int) -> Iterator[Message]:
    """The messages from `begin` up to `end`, without it. Raises KafkaException."""
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
    """The verdicts of the log, by halving: verdicts keep the order of their logs, but for corrections.

    `foreign`: offsets of messages of that status partition that are nobody's verdict.
    """
    first, end = consumer.get_watermark_offsets(TopicPartition(STATUS_TOPIC, partition), timeout=SECONDS)
    low, high, judged, behind = first, end, 0, None
    while low < high:
        middle = (low + high) // 2
        at = next(_in_order(consumer, partition, middle, high, foreign), None)
        if at is not None and at[1] < offset:
            low, judged = at[0] + 1, at[1] + 1
        else:
            high, behind = middle, at or behind
    place = behind[0] if behind else low  # between the two are corrections only
    around = max(first, place - AROUND), min(end, place + AROUND)
    verdicts = _verdicts(consumer, partition, offset, *around, foreign)
    return Found(first, end, offset + 1 if behind else judged, place, verdicts)


def add_corrections(
    consumer: Consumer, found: Found, partition: int, offset: int, foreign: Collection[int] = ()
) -> None:
    """Adds the verdicts that were given later, of the next FURTHER messages."""
    begin = found.place + AROUND
    end = min(found.end, begin + FURTHER)
    found.verdicts.extend(_verdicts(consumer, partition, offset, begin, end, foreign))
    found.searched_all = end == found.end


def _verdicts(
    consumer: Consumer, partition: int, offset: int, begin: int, end: int, foreign: Collection[int]
) -> list[Verdict]:
    """The verdicts of the log among the status messages from `begin` up to `end`."""
    return [
        Verdict(message.offset() or 0, verdict_record(message.key(), message.value()) or {}, is_correction(message))
        for message in read(consumer, STATUS_TOPIC, partition, begin, end)
        if origin_of(message.key()) == (partition, offset) and message.offset() not in foreign
    ]


def _in_order(
    consumer: Consumer, partition: int, begin: int, end: int, foreign: Collection[int]
) -> Iterator[tuple[int, int]]:
    """Offset and origin's offset of each status message that is no correction."""
    for message in read(consumer, STATUS_TOPIC, partition, begin, end):
        origin = origin_of(message.key())
        if origin is not None and not is_correction(message) and message.offset() not in foreign:
            yield message.offset() or 0, origin[1]


def newest_verdict(consumer: Consumer) -> datetime | None:
    """When the stream sent its newest verdict, as far as the last messages of each partition tell."""
    newest = 0
    for number, (first, end) in hops.topic_ranges(consumer, STATUS_TOPIC).items():
        for messages in hops.read_status(consumer, number, max(first, end - _LAST), end):
            newest = max([newest, *(message.timestamp()[1] for message in messages if is_first_verdict(message))])
    return times.utc(newest) if newest else None
