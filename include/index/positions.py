"""Where the indexer goes on, and what Kafka removed before it was indexed: that has to stop it, not to be skipped.

The consumers are of the indexer's group. Kafka keeps for it, by partition of the status topic, the next message.
"""

import logging
import time
from collections.abc import Sequence
from typing import Final, NamedTuple

from confluent_kafka import Consumer, KafkaException, TopicPartition

from include.names import STATUS_TOPIC
from include.topics import hops

HOW_TO_GO_ON: Final = "To go on without them: python -m include.index.indexer --go-on"

_SECONDS: Final = 30
_PAUSE_SECONDS: Final = 0.2

log = logging.getLogger(__name__)


class VerdictsGoneError(RuntimeError):
    """Kafka has removed status messages that were not indexed yet."""


class Gone(NamedTuple):
    """A status partition whose next message to index, `position`, is not there: it has those of [first, end)."""

    partition: int
    position: int
    first: int
    end: int

    def __str__(self) -> str:
        what = f"partition {self.partition}: to go on at offset {self.position}, but it has {self.first} to {self.end}"
        if self.position > self.end:
            return f"{what}: it was made anew, or cut"
        return f"{what}: {self.position} to {self.first - 1} were removed before they were indexed"


def find_gone(consumer: Consumer) -> list[Gone]:
    """The partitions that cannot be gone on with; none that was never read. Raises KafkaException."""
    numbers = consumer.list_topics(STATUS_TOPIC, timeout=hops.SECONDS).topics[STATUS_TOPIC].partitions
    partitions = [TopicPartition(STATUS_TOPIC, number) for number in numbers]
    known = consumer.committed(partitions, timeout=hops.SECONDS) if partitions else []
    # The ends after the positions, else an indexer that goes on meanwhile seems to be behind them.
    found = [
        Gone(each.partition, each.offset, *consumer.get_watermark_offsets(each, timeout=hops.SECONDS))
        for each in known
        if each.offset >= 0
    ]
    return [each for each in found if not each.first <= each.position <= each.end]


def tell(gone: Sequence[Gone]) -> str:
    """Names them, and what is missing."""
    each = "; ".join(map(str, gone))
    return f"{STATUS_TOPIC}, {each}. Their documents are missing or of an earlier verdict; MySQL keeps what it has."


def begin(consumer: Consumer, partitions: list[TopicPartition]) -> None:
    """For `on_assign`: a partition that was never read begins with what is there, any other one where it was left.

    Where it begins is committed at once, so that whatever is removed from then on is noticed.
    """
    try:
        known = consumer.committed(partitions, timeout=hops.SECONDS)
        if new := [_first(consumer, each) for each in known if each.offset < 0]:
            consumer.commit(offsets=new, asynchronous=False)
    except KafkaException as error:
        # They are asked for again below; if one has no position then, the indexer ends, and begins anew.
        log.warning("Kafka does not tell where to go on (%s): waiting", error.args[0].str())
    consumer.assign(partitions)


def _first(consumer: Consumer, each: TopicPartition) -> TopicPartition:
    first, _ = consumer.get_watermark_offsets(each, timeout=hops.SECONDS)
    if first:
        log.warning("Partition %d was never read: begins with offset %d, the first there is", each.partition, first)
    return TopicPartition(each.topic, each.partition, first)


def go_on(consumer: Consumer) -> list[Gone]:
    """Goes on with what is there; gives what was given up. The consumer has joined nothing.

    Waits until an indexer that ends has left the group. Raises KafkaException when one goes on reading.
    """
    gone = find_gone(consumer)
    places = [TopicPartition(STATUS_TOPIC, each.partition, each.first) for each in gone]
    deadline = time.monotonic() + _SECONDS
    while places:
        try:
            consumer.commit(offsets=places, asynchronous=False)
            break
        except KafkaException:
            if time.monotonic() > deadline:
                raise
            time.sleep(_PAUSE_SECONDS)
    return gone
