"""Asks every server for one log by its origin; an unreachable server is noted, and the others are still asked."""

import json
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from confluent_kafka import Consumer

from include import names
from include.clients.errors import SERVER_ERRORS, reason
from include.clients.outside import Outside
from include.contract import reading
from include.contract.model import Dimension
from include.contract.tables import quoted
from include.index.dead_letters import refusals
from include.names import INDEXER_GROUP
from include.proof import contents, documents, verdict_search
from include.proof.report import SECOND
from include.proof.verdict_search import Found
from include.settings import Settings
from include.topics import foreign_messages, hops, times

SECONDS: Final = 3
"""How long a server may take for its first answer."""
_UNSEEN_SECONDS: Final = 1.2
"""How long a search may not find a document that was just written."""
_LOGS: Final = names.LOGS_DATABASE


class NoSuchLogError(Exception):
    """There is no log with this origin: `message` has the cause, `remedy` says where to look."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.message, self.remedy = message, remedy


@dataclass(frozen=True)
class Message:
    """The log in server-logs."""

    key: bytes | None
    value: bytes | None
    received_at: datetime


@dataclass(frozen=True)
class Row:
    """The log in one of the three tables."""

    table: str
    record: dict[str, Any]
    """In the form of its verdict, see `contents.row_text`."""


@dataclass
class Facts:
    """Everything found about a log. None: its server is unreachable (then `away` lists it), or it does not exist."""

    partition: int
    offset: int
    away: dict[str, str] = field(default_factory=dict)
    """Client errors of unreachable servers, by server."""
    logs: tuple[int, int] | None = None
    """Offsets that server-logs has of the partition: first (inclusive) and end (exclusive)."""
    message: Message | None = None
    no_status_partition: bool = False
    found: Found | None = None
    indexed: int = 0
    """The next status offset of the indexer; `loaded` is that of load."""
    loaded: int = 0
    rows: list[Row] | None = None
    expired: str | None = None
    """When the log expired, UTC; None: it has not."""
    expected: tuple[str | int, ...] | None = None
    """What the users history has on the day of the event, by attribute; None: the key is unknown on that day."""
    document: dict[str, Any] | None = None
    strays: list[str] = field(default_factory=list)
    """Documents with this origin but another id, or of this log but in another index as well."""
    refused: list[str] = field(default_factory=list)
    """Reasons of all refusals by Elasticsearch."""

    @property
    def key(self) -> str:
        """The origin as text."""
        return names.origin_key(self.partition, self.offset)

    def last(self) -> dict[str, Any]:
        """The newest record of the log: from the status topic, else from MySQL, else from the index."""
        return self.verdict() or (self.rows[0].record if self.rows else self.document or {})

    def verdict(self) -> dict[str, Any]:
        """The last verdict; empty: there is none. Messages with the log's key that are not verdicts have no record."""
        records = [each.record for each in self.found.verdicts if each.record] if self.found else []
        return records[-1] if records else {}

    @contextmanager
    def asking(self, server: str) -> Iterator[None]:
        """Records the server as unreachable instead of raising its client's error."""
        try:
            yield
        except SERVER_ERRORS as error:
            self.away[server] = reason(error)


def gather(outside: Outside, settings: Settings, partition: int, offset: int) -> Facts:
    """Everything about one log. Raises NoSuchLogError for a log that does not exist yet.

    `settings` name the dead-letter file.
    """
    facts = Facts(partition, offset)
    foreign: set[int] = set()
    with facts.asking("MySQL"), closing(_mysql(outside)) as connection:
        foreign = foreign_messages.offsets(connection.cursor()).get(partition, set())
    with facts.asking("Kafka"), outside.looking(INDEXER_GROUP) as consumer:
        consumer.list_topics(names.LOGS_TOPIC, timeout=SECONDS)  # fails faster than the reads below if Kafka is down
        _ask_logs(facts, consumer)
        facts.no_status_partition = partition not in hops.topic_ranges(consumer, names.STATUS_TOPIC)
        if not facts.no_status_partition:
            facts.found = verdict_search.find(consumer, partition, offset, foreign)
            # Progress is read before the data it refers to: here before the index, in MySQL in one snapshot.
            facts.indexed = hops.indexed(consumer, [partition])[partition]
    with facts.asking("MySQL"), closing(_mysql(outside)) as connection:
        _ask_tables(facts, connection.cursor(dictionary=True))
    with facts.asking("Elasticsearch"), outside.search(SECONDS) as client:
        facts.document = documents.with_id(client, facts.key)
        if facts.document is None and facts.found and facts.indexed > facts.found.place and not facts.expired:
            time.sleep(_UNSEEN_SECONDS)
            facts.document = documents.with_id(client, facts.key)
        if client.indices.exists(index=names.INDEX):
            _, strays = documents.documents(client, partition, offset, offset + 1)
            facts.strays = [str(each) for each in strays if each.id != facts.key or each.kind == SECOND]
    facts.refused = refusals(settings, facts.key)
    if facts.found and _differs(facts):
        with facts.asking("Kafka"), outside.looking(INDEXER_GROUP) as consumer:
            verdict_search.add_corrections(consumer, facts.found, partition, offset, foreign)
    with facts.asking("MySQL"), closing(_mysql(outside)) as connection:
        _ask_users(facts, connection.cursor())
    return facts


def _mysql(outside: Outside) -> Any:
    return outside.mysql(seconds=SECONDS, autocommit=True)


def _ask_logs(facts: Facts, consumer: Consumer) -> None:
    ranges = hops.topic_ranges(consumer, names.LOGS_TOPIC)
    if facts.partition not in ranges:
        known = ", ".join(map(str, sorted(ranges))) or "none yet"
        raise NoSuchLogError(
            f"{facts.key} does not exist: the partitions of {names.LOGS_TOPIC} are {known}.", "./logsieve topics"
        )
    facts.logs = first, end = ranges[facts.partition]
    if facts.offset >= end:
        raise NoSuchLogError(
            f"{facts.key} does not exist yet: the next log of partition {facts.partition} will be"
            f" {names.origin_key(facts.partition, end)}.",
            "./logsieve topics lists the offsets.",
        )
    if facts.offset >= first:
        message = next(verdict_search.read(consumer, names.LOGS_TOPIC, facts.partition, facts.offset, end), None)
        if message is not None and message.offset() == facts.offset:
            received_at = times.utc(message.timestamp()[1])
            facts.message = Message(message.key(), message.value(), received_at)


def _ask_tables(facts: Facts, cursor: Any) -> None:
    cursor.execute(
        f"SELECT status_offset + 1 AS loaded FROM {_LOGS}.{names.PROGRESS_TABLE} WHERE kafka_partition = %s",
        (facts.partition,),
    )
    facts.loaded = (cursor.fetchone() or {"loaded": 0})["loaded"]
    cursor.execute(
        f"SELECT expired_at FROM {_LOGS}.{names.EXPIRED_TABLE} WHERE kafka_partition = %s AND before_offset > %s",
        (facts.partition, facts.offset),
    )
    if found := cursor.fetchone():
        facts.expired = f"{found['expired_at']:%F %T}"
    rows = []
    for status, table in names.TABLES.items():
        text = f"CAST({contents.row_text(status)} AS BINARY) AS text"
        where = "kafka_partition = %s AND kafka_offset = %s"
        cursor.execute(f"SELECT {text} FROM {_LOGS}.{table} WHERE {where}", (facts.partition, facts.offset))
        rows += [Row(table, json.loads(row["text"] or "{}")) for row in cursor.fetchall()]
    facts.rows = rows


def _ask_users(facts: Facts, cursor: Any) -> None:
    if (dimension := reading.current().dimension) is None:
        return
    record = facts.last()
    columns = ", ".join(quoted(each.column) for each in dimension.attributes)
    cursor.execute(
        f"SELECT {columns} FROM {names.USERS_DATABASE}.{names.HISTORY_TABLE} WHERE {quoted(dimension.column)} = %s"
        " AND valid_from <= %s AND (valid_to IS NULL OR valid_to > %s)",
        (record.get(dimension.key), *[day_of(record, dimension)] * 2),
    )
    facts.expected = cursor.fetchone()


def day_of(record: dict[str, Any], dimension: Dimension) -> str | None:
    """The UTC day of the event; None if it is not readable."""
    time = record.get(dimension.at)
    return str(time)[:10] if time else None


def _differs(facts: Facts) -> bool:
    """Whether a sink differs from the last verdict found."""
    held = [row.record for row in facts.rows or []] + ([facts.document] if facts.document else [])
    return any(contents.differing(facts.last(), record) for record in held)
