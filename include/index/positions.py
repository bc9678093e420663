"""Where the indexer continues. Messages that Kafka removed before they were indexed stop it; they are never skipped.

The consumers belong to the indexer's group. Kafka stores the group's next offset of each status partition.
"""

import logging
from collections.abc import Sequence
from typing import Final, NamedTuple

from confluent_kafka import Consumer, KafkaException, TopicPartition

from include import retries
from include.index import delays
from include.names import STATUS_TOPIC
from include.topics import hops
from include.watch.totals import Delays

HOW_TO_GO_ON: Final = "To continue without them: python -m include.index.indexer --go-on"

_SECONDS: Final = 30
_PAUSE_SECONDS: Final = 0.2

log = logging.getLogger(__name__)


class VerdictsGoneError(RuntimeError):
    """Kafka removed status messages before they were indexed."""


class Gone(NamedTuple):
    """A status partition that lacks the next message to index, `position`: Kafka has those of [first, end)."""

    partition: int
    position: int
    first: int
    end: int

    def __str__(self) -> str:
        what = (
            f"partition {self.partition}: the next offset is {self.position}, but Kafka has {self.first} to {self.end}"
        )
        if self.position > self.end:
            return f"{what}: the topic was recreated or truncated"
        return f"{what}: {self.position} to {self.first - 1} were removed before they were indexed"


def find_gone(consumer: Consumer) -> list[Gone]:
    """Returns the partitions whose next message is gone, without those never read. Raises KafkaException."""
    numbers = consumer.list_topics(STATUS_TOPIC, timeout=hops.SECONDS).topics[STATUS_TOPIC].partitions
    partitions = [TopicPartition(STATUS_TOPIC, number) for number in numbers]
    known = consumer.committed(partitions, timeout=hops.SECONDS) if partitions else []
    # Read the ends after the positions: an indexer that is running could otherwise seem to be past the end.
    found = [
        Gone(each.partition, each.offset, *consumer.get_watermark_offsets(each, timeout=hops.SECONDS))
        for each in known
        if each.offset >= 0
    ]
    return [each for each in found if not each.first <= each.position <= each.end]


def describe(gone: Sequence[Gone]) -> str:
    """Returns a sentence that names the partitions and what is missing."""
    each = "; ".join(map(str, gone))
    return f"{STATUS_TOPIC}, {each}. Their documents are missing or show an earlier verdict; MySQL is not affected."


def begin(consumer: Consumer, partitions: list[TopicPartition]) -> dict[int, Delays]:
    """Callback for `on_assign`: starts a partition never read at its first message, any other at its committed offset.

    A new partition's start is committed at once, so messages that are removed from then on are detected. Returns the
    delays that are kept with the committed offsets, by partition.
    """
    found: dict[int, Delays] = {}
    try:
        known = consumer.committed(partitions, timeout=hops.SECONDS)
        found = {each.partition: delays.of_text(each.metadata) for each in known}
        if new := [_first(consumer, each) for each in known if each.offset < 0]:
            consumer.commit(offsets=new, asynchronous=False)
    except KafkaException as error:
        # `assign` asks Kafka again. If a partition still has no offset then, the indexer exits and is restarted.
        log.warning("Kafka did not return the committed offsets (%s): retrying", error.args[0].str())
    consumer.assign(partitions)
    return found


def _first(consumer: Consumer, each: TopicPartition) -> TopicPartition:
    first, _ = consumer.get_watermark_offsets(each, timeout=hops.SECONDS)
    if first:
        log.warning("Partition %d was never read: starting at offset %d, its first message", each.partition, first)
    return TopicPartition(each.topic, each.partition, first)


def go_on(consumer: Consumer) -> list[Gone]:
    """Commits the first existing offset of each partition with missing messages; returns these partitions.

    The consumer must not have joined the group. Waits until a stopping indexer has left the group. Raises
    KafkaException if an indexer keeps running.
    """
    gone = find_gone(consumer)
    kept = delays.read(consumer, [each.partition for each in gone])
    places = [
        TopicPartition(STATUS_TOPIC, each.partition, each.first, delays.to_text(kept[each.partition])) for each in gone
    ]
    if places:
        retries.retry(
            lambda: consumer.commit(offsets=places, asynchronous=False),
            _SECONDS,
            lambda error: isinstance(error, KafkaException),
            pause=_PAUSE_SECONDS,
        )
    return gone
