"""Counts the logs at each hop, with clients that the caller provides.

Everything here only reads. Client errors propagate.
"""

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from confluent_kafka import OFFSET_INVALID, Consumer, KafkaError, KafkaException, Message, TopicPartition

from include.names import (
    EXPIRED_TABLE,
    INDEX,
    LOGS_DATABASE,
    LOGS_TOPIC,
    PROGRESS_TABLE,
    STATUS_TOPIC,
    STATUSES,
    TABLES,
    origin_of,
)
from include.topics import foreign_messages
from include.topics.marks import is_first_verdict

if TYPE_CHECKING:  # importing it takes half a second, too long for a driver
    from elasticsearch import Elasticsearch

SECONDS = 10
"""Time limit for one answer of Kafka."""
NEWEST_ROW: Final = (
    f"SELECT MAX(received_at) FROM {LOGS_DATABASE}.{{}} WHERE received_at < UTC_TIMESTAMP() + INTERVAL 1 MINUTE"
)
"""`received_at` of a table's newest row. Rows dated in the future are ignored: one would be the newest until then."""
_READ_MESSAGES = 10_000
_READ_SECONDS = 0.2


@dataclass(frozen=True)
class Topics:
    """Offsets per partition: the next one of each topic (`logs`, `status`), the first log without a status
    (`classified`), and the first log that Kafka still has (`oldest`)."""

    logs: Mapping[int, int] = field(default_factory=dict)
    status: Mapping[int, int] = field(default_factory=dict)
    classified: Mapping[int, int] = field(default_factory=dict)
    oldest: Mapping[int, int] = field(default_factory=dict)

    @property
    def lag(self) -> int:
        """Number of logs without a status, except those that Kafka has removed.

        The marker that a transaction leaves after its logs counts as a log until the next log arrives.
        """
        done = {number: max(self.classified.get(number, 0), self.oldest.get(number, 0)) for number in self.logs}
        return sum(max(end - done[number], 0) for number, end in self.logs.items())


@dataclass(frozen=True)
class Tables:
    """Rows and the newest row's `received_at` by status; per partition the next log and the next status message to load
    (`progress`), and the first log that has not expired (`expired`)."""

    rows: Mapping[str, int] = field(default_factory=dict)
    newest: Mapping[str, datetime | None] = field(default_factory=dict)
    progress: Mapping[int, tuple[int, int]] = field(default_factory=dict)
    expired: Mapping[int, int] = field(default_factory=dict)
    foreign: int = 0
    """Number of foreign messages in the status topic."""

    @property
    def loaded_logs(self) -> dict[int, int]:
        """The next log to load, by partition."""
        return {number: log for number, (log, _) in self.progress.items()}

    def lag(self, topics: Topics) -> int:
        """Number of status messages that are not loaded yet."""
        return sum(end - self.progress.get(partition, (0, 0))[1] for partition, end in topics.status.items())


def topic_ranges(consumer: Consumer, topic: str) -> dict[int, tuple[int, int]]:
    """Returns the first offset that Kafka still has and the next one, by partition; empty if the topic is missing."""
    found = consumer.list_topics(topic, timeout=SECONDS).topics[topic]
    return {
        partition: consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=SECONDS)
        for partition in found.partitions
    }


def topic_ends(consumer: Consumer, topic: str) -> dict[int, int]:
    """Returns the next offset of each partition; empty if the topic is missing."""
    return {partition: end for partition, (_, end) in topic_ranges(consumer, topic).items()}


def read_topics(consumer: Consumer, loaded: Mapping[int, int] | None = None) -> Topics:
    """Reads the offsets of both topics. The stream's last verdict in each status partition shows what is classified.

    `loaded`: per partition the next log to load; it is used where Kafka has removed every verdict.
    """
    ranges = topic_ranges(consumer, STATUS_TOPIC)
    status = {number: end for number, (_, end) in ranges.items()}
    judged = {number: _classified(consumer, number, first, end) for number, (first, end) in ranges.items()}
    consumer.unassign()
    # The ends of the logs are read last, so no log counts as classified before it counts as sent.
    logs = topic_ranges(consumer, LOGS_TOPIC)
    oldest, ends = ({number: each[side] for number, each in logs.items()} for side in (0, 1))
    classified = {number: max(judged.get(number, 0), (loaded or {}).get(number, 0)) for number in logs}
    return Topics(ends, status, classified, oldest)


def after_last_verdict(messages: Iterable[Message], partition: int) -> int | None:
    """Returns the offset after the last log that the stream judged in these status messages; None if there is none.

    Corrections and foreign messages do not count: see include/topics/marks.py.
    """
    found = None
    for message in messages:
        origin = origin_of(message.key())
        if origin and origin[0] == partition and is_first_verdict(message):
            found = origin[1] + 1
    return found


def _classified(consumer: Consumer, partition: int, first: int, end: int) -> int:
    """Searches backwards in growing steps: the last message usually suffices, except after a rejudgement."""
    step = 1
    while end > first:
        begin, found = max(first, end - step), None
        for messages in read_status(consumer, partition, begin, end):
            found = after_last_verdict(messages, partition) or found
        if found is not None:
            return found
        end, step = begin, max(100, 10 * step)
    return 0


def read_status(consumer: Consumer, partition: int, begin: int, end: int) -> Iterator[list[Message]]:
    """Yields the messages [begin, end) of a status partition in batches. Raises KafkaException."""
    consumer.assign([TopicPartition(STATUS_TOPIC, partition, begin)])
    until = time.monotonic() + SECONDS
    while begin < end:
        # Transaction markers take up offsets too, so fewer messages may arrive: do not wait for the full number.
        received = consumer.consume(min(end - begin, _READ_MESSAGES), _READ_SECONDS)
        if received:
            until = time.monotonic() + SECONDS
        elif time.monotonic() > until:
            raise KafkaException(KafkaError(KafkaError._TIMED_OUT))
        for message in received:
            begin = max(begin, (message.offset() or 0) + 1)
            error = message.error()
            if error is not None and error.code() != KafkaError._PARTITION_EOF:
                raise KafkaException(error)
        if messages := [each for each in received if each.error() is None and (each.offset() or 0) < end]:
            yield messages


def read_tables(cursor: Any) -> Tables:
    """Reads rows, newest rows and progress with any DB-API cursor whose session is in UTC."""
    rows, newest = {}, {}
    for status in STATUSES:
        cursor.execute(f"SELECT COUNT(*) FROM {LOGS_DATABASE}.{TABLES[status]}")
        (rows[status],) = cursor.fetchone()
        cursor.execute(NEWEST_ROW.format(TABLES[status]))
        (last,) = cursor.fetchone()
        newest[status] = last.replace(tzinfo=UTC) if last else None
    foreign = foreign_messages.count(cursor)
    return Tables(rows, newest, read_progress(cursor), read_expired(cursor), foreign)


def read_progress(cursor: Any) -> dict[int, tuple[int, int]]:
    """Returns the next log and the next status message to load, by partition."""
    cursor.execute(f"SELECT kafka_partition, last_offset + 1, status_offset + 1 FROM {LOGS_DATABASE}.{PROGRESS_TABLE}")
    return {number: (log, status) for number, log, status in cursor.fetchall()}


def read_loaded(cursor: Any) -> dict[int, int]:
    """Returns the next status message to load, by partition."""
    return {number: status for number, (_, status) in read_progress(cursor).items()}


def read_loaded_logs(cursor: Any) -> dict[int, int]:
    """Returns the next log to load, by partition."""
    return {number: log for number, (log, _) in read_progress(cursor).items()}


def read_expired(cursor: Any) -> dict[int, int]:
    """Returns the first offset that has not expired, for each Kafka partition in which logs have expired."""
    cursor.execute(f"SELECT kafka_partition, before_offset FROM {LOGS_DATABASE}.{EXPIRED_TABLE}")
    return dict(cursor.fetchall())


def read_documents(client: "Elasticsearch") -> dict[str, int]:
    """Returns the number of documents by status; zeros if the index does not exist yet."""
    answer = client.options(ignore_status=404).search(
        index=INDEX, size=0, aggs={"status": {"terms": {"field": "status"}}}, track_total_hits=False
    )
    buckets = answer.get("aggregations", {}).get("status", {}).get("buckets", [])
    found = {bucket["key"]: bucket["doc_count"] for bucket in buckets}
    return {status: found.get(status, 0) for status in STATUSES}


def indexed(consumer: Consumer, partitions: Iterable[int]) -> dict[int, int]:
    """Returns the next offset that the consumer's group has to index, by status partition.

    Where Kafka has no committed offset, this is the first offset it still has: the group has not started yet, or was
    inactive for longer than `offsets.retention.minutes`.
    """
    wanted = [TopicPartition(STATUS_TOPIC, partition) for partition in partitions]
    found = {each.partition: each.offset for each in consumer.committed(wanted, timeout=SECONDS)} if wanted else {}
    for partition, offset in found.items():
        if offset == OFFSET_INVALID:
            at = TopicPartition(STATUS_TOPIC, partition)
            found[partition], _ = consumer.get_watermark_offsets(at, timeout=SECONDS)
    return found


def index_lag(consumer: Consumer, topics: Topics) -> int:
    """Returns how many status messages the consumer's group has not committed yet."""
    done = indexed(consumer, topics.status)
    return sum(end - done[partition] for partition, end in topics.status.items())
