"""Reads the verdicts and logs of a range of one partition's origins for the proof. Client errors propagate."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from confluent_kafka import Consumer, TopicPartition

from include.names import LOGS_TOPIC, STATUS_TOPIC, origin_of
from include.proof.bucket_sums import BUCKET, CODES
from include.proof.contents import read_verdict
from include.proof.verdict_search import read
from include.topics.hops import SECONDS, read_status
from include.topics.marks import is_correction

_NEAR: Final = 500
"""Largest distance of two wanted status messages that are read in one go, with the messages between them."""
_CHUNK_BYTES: Final = 8 * 1024 * 1024
"""Largest size of verdicts whose documents or rows are requested at once: that of a bad log can be 87 KiB."""

Progress = Callable[[int], None]


@dataclass
class Verdicts:
    """The last verdict of each of the origins first, first + 1, …, as arrays.

    `codes`: status codes, 0 without a verdict; `checksums`: of the verdicts' texts; `places`: the verdicts' offsets in
    the status partition; `sizes`: bytes of each bucket, in order; `before`: places of the verdicts on origins before
    the range.
    """

    first: int
    codes: np.ndarray
    checksums: np.ndarray
    places: np.ndarray
    sizes: np.ndarray
    messages: int = 0
    before: dict[int, int] = field(default_factory=dict)

    def chunks(self, begin: int, end: int) -> Iterator[tuple[int, int]]:
        """Splits [begin, end) into ranges within one bucket each, whose verdicts have about _CHUNK_BYTES at most."""
        for bucket in range(begin // BUCKET, -(-end // BUCKET)):
            parts = 1 + int(self.sizes[bucket - self.first // BUCKET]) // _CHUNK_BYTES
            width = -(-BUCKET // parts)
            for start in range(bucket * BUCKET, (bucket + 1) * BUCKET, width):
                low, high = max(start, begin), min(start + width, (bucket + 1) * BUCKET, end)
                if low < high:
                    yield low, high


def verdicts(
    consumer: Consumer,
    partition: int,
    status: tuple[int, int],
    origins: tuple[int, int],
    oldest: int,
    on_progress: Progress,
    foreign: Collection[int] = (),
) -> Verdicts:
    """Reads the verdicts on `origins` from the messages [from, to) of a status partition, `status`.

    `on_progress` gets the number of messages after each batch. Verdicts on logs before the offset `oldest` are dropped.
    `foreign`: offsets of foreign messages. Messages that are not verdicts on their key's log are ignored too.
    """
    (begin, end), (first, last) = status, origins
    count, buckets = max(last - first, 0), max(-(-last // BUCKET) - first // BUCKET, 0)
    codes, checksums, places = np.zeros(count, np.int8), np.zeros(count, np.uint32), np.zeros(count, np.int64)
    arrays: tuple[np.ndarray, ...] = codes, checksums, places
    found = Verdicts(first, codes, checksums, places, np.zeros(buckets, np.int64))
    for messages in read_status(consumer, partition, begin, end):
        rows = []
        for message in messages:
            value = message.value()
            verdict = read_verdict(message.key(), value)
            if verdict is None or verdict[1] != partition or message.offset() in foreign:
                continue
            word, _, offset, checksum = verdict
            if first <= offset < last:
                rows.append((offset, CODES[word], checksum, message.offset() or 0, len(value or b"")))
            elif oldest <= offset < first:
                found.before[offset] = message.offset() or 0
        if rows:
            offsets, *columns, lengths = np.array(rows, np.int64).T
            for array, column in zip(arrays, columns, strict=True):
                array[offsets - first] = column  # the last verdict on an origin wins
            np.add.at(found.sizes, offsets // BUCKET - first // BUCKET, lengths)
            found.messages += len(rows)
        on_progress(len(messages))
    return found


def texts(consumer: Consumer, partition: int, places: dict[int, int]) -> dict[int, bytes]:
    """Returns the status messages by origin's offset. `places`: their offsets in the status partition."""
    by_place = {place: offset for offset, place in places.items()}
    wanted = np.array(sorted(by_place), np.int64)
    found: dict[int, bytes] = {}
    for part in np.split(wanted, np.flatnonzero(np.diff(wanted) > _NEAR) + 1):
        if not len(part):
            continue
        for messages in read_status(consumer, partition, int(part[0]), int(part[-1]) + 1):
            for message in messages:
                offset = by_place.get(message.offset() or 0)
                if offset is not None:
                    found[offset] = message.value() or b""
    return found


def first_origin(
    consumer: Consumer, partition: int, status: tuple[int, int], foreign: Collection[int] = ()
) -> int | None:
    """Returns the offset of the first log that the stream judged in the messages [from, to); None if there is none.

    Corrections do not count, since they can be about any log.
    """
    for message in read(consumer, STATUS_TOPIC, partition, *status):
        origin = origin_of(message.key())
        if origin and origin[0] == partition and not is_correction(message) and message.offset() not in foreign:
            return origin[1]
    return None


def missing_records(consumer: Consumer, partition: int, offsets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns which of these ascending offsets of server-logs have no record, and which ones Kafka has removed.

    A record must exist after the last of them; otherwise reading times out and raises KafkaException.
    """
    logs = TopicPartition(LOGS_TOPIC, partition)
    first, end = consumer.get_watermark_offsets(logs, timeout=SECONDS)
    begin, stop = max(first, int(offsets[0])), min(int(offsets[-1]) + 1, end)
    there = [message.offset() or 0 for message in read(consumer, LOGS_TOPIC, partition, begin, stop)]
    # Read the start again: records that were removed meanwhile were not read.
    first, _ = consumer.get_watermark_offsets(logs, timeout=SECONDS)
    known = offsets[(offsets >= first) & (offsets < end)]
    return np.setdiff1d(known, there), offsets[offsets < first]
