"""What the topics tell of a range of one partition's origins, read for the proof. Errors of the client are raised."""

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
"""Status messages between two wanted ones that are read along rather than passed over."""
_CHUNK_BYTES: Final = 8 * 1024 * 1024
"""Of verdicts whose documents or rows are asked for at once: a bad log's can be 87 KiB."""

Say = Callable[[int], None]


@dataclass
class Verdicts:
    """The last verdict of each of the origins first, first + 1, …, as arrays.

    `codes`: 0 where there is none; `checksums`: of its text; `places`: its offset in the status partition. `sizes`: the
    bytes of each bucket, the first one's first. `before`: places of origins before the range that were judged again.
    """

    first: int
    codes: np.ndarray
    checksums: np.ndarray
    places: np.ndarray
    sizes: np.ndarray
    messages: int = 0
    before: dict[int, int] = field(default_factory=dict)

    def chunks(self, begin: int, end: int) -> Iterator[tuple[int, int]]:
        """The origins [begin, end) in ranges that lie in one bucket each and whose verdicts are not too large."""
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
    say: Say,
    foreign: Collection[int] = (),
) -> Verdicts:
    """Reads the messages [from, to) of a status partition; `say` is told how many after each piece.

    Of logs before the offset `oldest` nothing is kept. `foreign`: offsets of messages that are nobody's verdict;
    what is no verdict of its key's log does not count either.
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
                array[offsets - first] = column  # of an origin that comes twice the last one stays
            np.add.at(found.sizes, offsets // BUCKET - first // BUCKET, lengths)
            found.messages += len(rows)
        say(len(messages))
    return found


def texts(consumer: Consumer, partition: int, places: dict[int, int]) -> dict[int, bytes]:
    """The status messages by origin's offset, given the place of each in the status partition."""
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
    """The offset of the first log that the stream judged by the messages [from, to) of a status partition; None: none.

    A correction does not tell it, as that is of any log.
    """
    for message in read(consumer, STATUS_TOPIC, partition, *status):
        origin = origin_of(message.key())
        if origin and origin[0] == partition and not is_correction(message) and message.offset() not in foreign:
            return origin[1]
    return None


def not_there(consumer: Consumer, partition: int, offsets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of these ascending offsets of server-logs: those that hold no record, and those that Kafka has removed.

    Behind the last of them there must be a record, or Kafka is waited for in vain: raises KafkaException then.
    """
    logs = TopicPartition(LOGS_TOPIC, partition)
    first, end = consumer.get_watermark_offsets(logs, timeout=SECONDS)
    begin, stop = max(first, int(offsets[0])), min(int(offsets[-1]) + 1, end)
    there = [message.offset() or 0 for message in read(consumer, LOGS_TOPIC, partition, begin, stop)]
    # Asked for again: what was removed meanwhile was not read.
    first, _ = consumer.get_watermark_offsets(logs, timeout=SECONDS)
    known = offsets[(offsets >= first) & (offsets < end)]
    return np.setdiff1d(known, there), offsets[offsets < first]
