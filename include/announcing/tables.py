"""What the events of the tables' assets say, read from MySQL. Everything here only reads.

Within a Kafka partition `load` writes each log's first row in the order of offsets, and its progress in the same
transaction. So all rows up to the progress are there, and what `load` writes below it replaces rows: that is a
correction, which it records in the table `corrected`, again in the same transaction.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Final

from include.announcing import ranges
from include.announcing.ranges import Corrected, Position, Range
from include.names import CORRECTED_TABLE, LOGS_DATABASE, PROGRESS_TABLE, TABLES, TOPIC_IDS_TABLE
from include.topics import hops

ROWS: Final = "rows"
CORRECTION: Final = "correction"
"""The kinds of events: first rows of logs, or rows that replaced earlier ones."""

_TOPICS: Final = f"SELECT GROUP_CONCAT(id ORDER BY topic SEPARATOR '/') FROM {LOGS_DATABASE}.{TOPIC_IDS_TABLE}"
_PROGRESS: Final = f"SELECT kafka_partition, last_offset + 1, status_offset + 1 FROM {LOGS_DATABASE}.{PROGRESS_TABLE}"
_CORRECTED: Final = (
    "SELECT first_offset, last_offset, logs, cause, first_received_at, last_received_at"
    f" FROM {LOGS_DATABASE}.{CORRECTED_TABLE}"
    " WHERE kafka_partition = %s AND status_offset >= %s AND status_offset < %s ORDER BY status_offset"
)
_SPAN: Final = (
    f"SELECT COUNT(*), MIN(received_at), MAX(received_at) FROM {LOGS_DATABASE}.{{}}"
    " WHERE kafka_partition = %s AND kafka_offset BETWEEN %s AND %s"
)


@dataclass(frozen=True)
class Loaded:
    """How far `load` is: per Kafka partition the first log, and the first status message, that is not loaded.

    `topics`: the ids of both topics, to which the offsets belong; recreated topics have others.
    """

    topics: str
    logs: Mapping[int, int]
    messages: Mapping[int, int]


@contextmanager
def snapshot(connection: Any) -> Iterator[Any]:
    """A cursor that sees one moment. It locks nothing, so `load` goes on. Raises mysql.connector.Error."""
    cursor = connection.cursor()
    cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    cursor.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
    try:
        yield cursor
    finally:
        connection.rollback()


def loaded(cursor: Any) -> Loaded:
    """How far `load` is; nothing before the first driver."""
    cursor.execute(_TOPICS)
    ((topics,),) = cursor.fetchall()
    cursor.execute(_PROGRESS)
    found = cursor.fetchall()
    return Loaded(topics or "", {row[0]: int(row[1]) for row in found}, {row[0]: int(row[2]) for row in found})


def rows(cursor: Any, announced: Position) -> dict[str, dict[str, Any]] | None:
    """The extra of the next event of each table, by its name; None if there are no new logs.

    All tables have the same ranges, for the status of a log decides which table has its row. `rows`, and the times of
    the first and the last one, are those of the table.
    """
    now = loaded(cursor)
    found = ranges.new(announced.of(now.topics), now.logs, hops.read_expired(cursor))
    if not found:
        return None
    position = announced.moved_to(now.topics, now.logs).to_extra()
    return {
        table: {"kind": ROWS, "ranges": [_with_rows(cursor, table, each) for each in found], **position}
        for table in TABLES.values()
    }


def corrections(cursor: Any, announced: Position) -> dict[str, Any] | None:
    """The extra of the next event of corrections, the same for each table; None if there are none.

    Ranges are apart by cause. Its position counts messages of the status topic.
    """
    now = loaded(cursor)
    known, found = announced.of(now.topics), list[Corrected]()
    for number, end in now.messages.items():
        cursor.execute(_CORRECTED, (number, known.get(number, 0), end))
        found += [Corrected(number, *row) for row in cursor.fetchall()]
    if not found:
        return None
    position = announced.moved_to(now.topics, now.messages).to_extra()
    return {"kind": CORRECTION, "ranges": [_listed(each) for each in ranges.merged(found)], **position}


def _with_rows(cursor: Any, table: str, each: Range) -> dict[str, Any]:
    cursor.execute(_SPAN.format(table), (each.partition, each.first_offset, each.last_offset))
    ((count, first, last),) = cursor.fetchall()
    return asdict(each) | {"rows": int(count), "first_received_at": _iso(first), "last_received_at": _iso(last)}


def _listed(each: Corrected) -> dict[str, Any]:
    times = {"first_received_at": _iso(each.first_received_at), "last_received_at": _iso(each.last_received_at)}
    return asdict(each) | times


def _iso(at: datetime | None) -> str | None:
    """A time of MySQL, which is in UTC, as text."""
    return None if at is None else at.replace(tzinfo=UTC).isoformat(timespec="milliseconds")
