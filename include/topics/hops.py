"""Counts the logs at each hop of their way, with clients that the caller brings.

Everything here only reads. Errors of the clients are raised as they are.
"""

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from confluent_kafka import OFFSET_INVALID, Consumer, KafkaError, KafkaException, Message, TopicPartition

from include.clients.kafka import UNPACKED
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

if TYPE_CHECKING:  # half a second that a driver does not have
    from elasticsearch import Elasticsearch

SECONDS = 10
"""How long Kafka may take for one answer."""
LOOKING: Final[dict[str, str | int]] = {
    # Single messages are read here and there: a long poll would hold up the questions behind it.
    "fetch.wait.max.ms": 5,
    # As Spark reads: what a transaction sent is a log at once, and stays one when it is aborted. Else a topic would
    # seem to end with the oldest transaction that is open, before logs that have been judged.
    "isolation.level": "read_uncommitted",
    # What is removed while it is read is passed over, and not all up to the end with it.
    "auto.offset.reset": "earliest",
    "receive.message.max.bytes": UNPACKED,
    # The end of a partition is told, as an error: it may be the marker of a transaction, behind the last message.
    "enable.partition.eof": True,
}
"""Of a consumer that only looks."""
NEWEST_ROW: Final = (
    f"SELECT MAX(received_at) FROM {LOGS_DATABASE}.{{}} WHERE received_at < UTC_TIMESTAMP() + INTERVAL 1 MINUTE"  # noqa: S608
)
"""When the newest row of the table was received, but for what is dated ahead: that would be the newest until then."""
_READ_MESSAGES = 10_000
_READ_SECONDS = 0.2


@dataclass(frozen=True)
class Topics:
    """Per partition: the next offset of each topic, the next origin that has no status yet, and the first one that
    Kafka still has."""

    logs: Mapping[int, int] = field(default_factory=dict)
    status: Mapping[int, int] = field(default_factory=dict)
    classified: Mapping[int, int] = field(default_factory=dict)
    oldest: Mapping[int, int] = field(default_factory=dict)

    @property
    def lag(self) -> int:
        """Logs that wait for their status; those that Kafka has removed do not. The offset that a transaction leaves
        behind its logs counts as one of them until the next log comes."""
        done = {number: max(self.classified.get(number, 0), self.oldest.get(number, 0)) for number in self.logs}
        return sum(max(end - done[number], 0) for number, end in self.logs.items())


@dataclass(frozen=True)
class Tables:
    """Rows by status, the newest row's received_at by status, and per partition the next status message to load, the
    next log to load and the first log that has not expired."""

    rows: Mapping[str, int] = field(default_factory=dict)
    newest: Mapping[str, datetime | None] = field(default_factory=dict)
    loaded: Mapping[int, int] = field(default_factory=dict)
    loaded_logs: Mapping[int, int] = field(default_factory=dict)
    expired: Mapping[int, int] = field(default_factory=dict)
    foreign: int = 0
    """Messages of the status topic that are nobody's verdict."""

    def lag(self, topics: Topics) -> int:
        """Status messages that wait to be loaded."""
        return sum(end - self.loaded.get(partition, 0) for partition, end in topics.status.items())


@contextmanager
def looking(kafka: Mapping[str, Any], group: str) -> Iterator[Consumer]:
    """A consumer that only looks: it never joins the group nor commits.

    `kafka`: how librdkafka reaches it, see include/clients/kafka.py, or the extra of an Airflow connection.
    """
    consumer = Consumer({**kafka, **LOOKING, "group.id": group, "enable.auto.commit": False, "log_level": 0})
    try:
        yield consumer
    finally:
        consumer.close()


def topic_ranges(consumer: Consumer, topic: str) -> dict[int, tuple[int, int]]:
    """First offset that is still there, and next offset, of each partition; empty when there is no such topic."""
    found = consumer.list_topics(topic, timeout=SECONDS).topics[topic]
    return {
        partition: consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=SECONDS)
        for partition in found.partitions
    }


def topic_ends(consumer: Consumer, topic: str) -> dict[int, int]:
    """Next offset of each partition; empty when there is no such topic."""
    return {partition: end for partition, (_, end) in topic_ranges(consumer, topic).items()}


def read_topics(consumer: Consumer, loaded: Mapping[int, int] | None = None) -> Topics:
    """Both topics' ends; what is classified is told by the last verdict of the stream in each status partition.

    `loaded`: per partition the next log to load, which tells it where Kafka has removed every verdict.
    """
    ranges = topic_ranges(consumer, STATUS_TOPIC)
    status = {number: end for number, (_, end) in ranges.items()}
    told = {number: _classified(consumer, number, first, end) for number, (first, end) in ranges.items()}
    consumer.unassign()
    # Ends of the logs are read last, so a log is never counted as classified before it is counted as sent.
    logs = topic_ranges(consumer, LOGS_TOPIC)
    oldest, ends = ({number: each[side] for number, each in logs.items()} for side in (0, 1))
    classified = {number: max(told.get(number, 0), (loaded or {}).get(number, 0)) for number in logs}
    return Topics(ends, status, classified, oldest)


def behind_last_verdict(messages: Iterable[Message], partition: int) -> int | None:
    """The offset behind that of the last log which the stream judged by these status messages; None if it judged none.

    Corrections of earlier verdicts do not count, nor what somebody else wrote: see include/topics/marks.py.
    """
    found = None
    for message in messages:
        origin = origin_of(message.key())
        if origin and origin[0] == partition and is_first_verdict(message):
            found = origin[1] + 1
    return found


def _classified(consumer: Consumer, partition: int, first: int, end: int) -> int:
    """Looks back from the end in growing steps: mostly the last message tells, behind a rejudgement an earlier one."""
    step = 1
    while end > first:
        begin, found = max(first, end - step), None
        for messages in read_status(consumer, partition, begin, end):
            found = behind_last_verdict(messages, partition) or found
        if found is not None:
            return found
        end, step = begin, max(100, 10 * step)
    return 0


def read_status(consumer: Consumer, partition: int, begin: int, end: int) -> Iterator[list[Message]]:
    """The messages [begin, end) of a status partition, some at a time. Raises KafkaException."""
    consumer.assign([TopicPartition(STATUS_TOPIC, partition, begin)])
    until = time.monotonic() + SECONDS
    while begin < end:
        # Not so many may come, as the markers of transactions have offsets too: so they are not waited for.
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
    """Rows, newest rows and progress, through any DB-API cursor whose session is in UTC."""
    rows, newest = {}, {}
    for status in STATUSES:
        cursor.execute(f"SELECT COUNT(*) FROM {LOGS_DATABASE}.{TABLES[status]}")  # noqa: S608
        (rows[status],) = cursor.fetchone()
        cursor.execute(NEWEST_ROW.format(TABLES[status]))
        (last,) = cursor.fetchone()
        newest[status] = last.replace(tzinfo=UTC) if last else None
    foreign = foreign_messages.count(cursor)
    return Tables(rows, newest, read_loaded(cursor), read_loaded_logs(cursor), read_expired(cursor), foreign)


def read_loaded(cursor: Any) -> dict[int, int]:
    """Per partition the next status message to load."""
    cursor.execute(f"SELECT kafka_partition, status_offset + 1 FROM {LOGS_DATABASE}.{PROGRESS_TABLE}")  # noqa: S608
    return dict(cursor.fetchall())


def read_loaded_logs(cursor: Any) -> dict[int, int]:
    """Per partition the next log to load."""
    cursor.execute(f"SELECT kafka_partition, last_offset + 1 FROM {LOGS_DATABASE}.{PROGRESS_TABLE}")  # noqa: S608
    return dict(cursor.fetchall())


def read_expired(cursor: Any) -> dict[int, int]:
    """By Kafka partition, the first offset that has not expired, where any has."""
    cursor.execute(f"SELECT kafka_partition, before_offset FROM {LOGS_DATABASE}.{EXPIRED_TABLE}")  # noqa: S608
    return dict(cursor.fetchall())


def read_documents(client: "Elasticsearch") -> dict[str, int]:
    """Documents by status; zeros when the index does not exist yet."""
    answer = client.options(ignore_status=404).search(
        index=INDEX, size=0, aggs={"status": {"terms": {"field": "status"}}}, track_total_hits=False
    )
    buckets = answer.get("aggregations", {}).get("status", {}).get("buckets", [])
    found = {bucket["key"]: bucket["doc_count"] for bucket in buckets}
    return {status: found.get(status, 0) for status in STATUSES}


def indexed(consumer: Consumer, partitions: Iterable[int]) -> dict[int, int]:
    """Of each status partition the next offset that the consumer's group has to index.

    Where Kafka knows none, as the group has not begun, or was away for so long that it was forgotten
    (`offsets.retention.minutes`), that is the first which is there.
    """
    wanted = [TopicPartition(STATUS_TOPIC, partition) for partition in partitions]
    found = {each.partition: each.offset for each in consumer.committed(wanted, timeout=SECONDS)} if wanted else {}
    for partition, offset in found.items():
        if offset == OFFSET_INVALID:
            at = TopicPartition(STATUS_TOPIC, partition)
            found[partition], _ = consumer.get_watermark_offsets(at, timeout=SECONDS)
    return found


def index_lag(consumer: Consumer, topics: Topics) -> int:
    """Status messages that the consumer's group has not committed yet."""
    done = indexed(consumer, topics.status)
    return sum(end - done[partition] for partition, end in topics.status.items())
