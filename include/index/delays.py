"""How long logs wait for their documents: a histogram for each partition, kept with the indexer's offset in Kafka.

Kafka stores a text with each committed offset, so both change together: a log is counted once, whichever indexer has
its partition, and whatever is killed. Logstash keeps none.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final

import numpy as np
from confluent_kafka import Consumer, TopicPartition

from include.index.messages import StatusMessage
from include.names import STATUS_TOPIC
from include.topics import hops
from include.watch.totals import BOUNDS_MS, Delays

_MARK: Final = "delays"
# First verdicts only: a correction comes days after its log. Quotes inside a log's text are escaped.
_RECEIVED: Final = re.compile(rb'"received_at":"(.{23})Z","users_version":-?\d+,"revision":0')


def of(messages: Iterable[StatusMessage], now_ms: int) -> dict[int, Delays]:
    """The delays of logs whose documents are there now, by status partition."""
    values: dict[int, list[bytes]] = {}
    for message in messages:
        values.setdefault(message.partition, []).append(message.value or b"")
    return {partition: _of(b"\n".join(some), now_ms) for partition, some in values.items()}


def _of(values: bytes, now_ms: int) -> Delays:
    received = [each.decode() for each in _RECEIVED.findall(values)]
    try:
        times = np.array(received, "datetime64[ms]").astype(np.int64)
    except ValueError:  # one is no time: Elasticsearch has refused it
        return Delays()
    return Delays.of(now_ms - times)


def to_text(delays: Delays) -> str:
    """The text that Kafka keeps; at most 400 characters."""
    return " ".join([_MARK, str(delays.sum_ms), *map(str, delays.buckets)])


def of_text(text: str | None) -> Delays:
    """The delays in such a text; none if it is another, or by other bounds."""
    mark, *numbers = (text or "").split() or [""]
    if mark != _MARK or len(numbers) != len(BOUNDS_MS) + 2:
        return Delays()
    sum_ms, *buckets = map(int, numbers)
    return Delays(buckets, sum_ms)


def read(consumer: Consumer, partitions: Iterable[int]) -> dict[int, Delays]:
    """The delays so far, by status partition. `consumer`: of the indexer's group. Raises KafkaException."""
    places = [TopicPartition(STATUS_TOPIC, partition) for partition in partitions]
    known = consumer.committed(places, timeout=hops.SECONDS) if places else []
    return {each.partition: of_text(each.metadata) for each in known}


def together(each: Iterable[Delays]) -> Delays:
    """The sum of the delays."""
    found = Delays()
    for one in each:
        found.add(one)
    return found


def add(totals: dict[int, Delays], new: Mapping[int, Delays]) -> None:
    """Adds delays to the totals."""
    for partition, delays in new.items():
        totals.setdefault(partition, Delays()).add(delays)
