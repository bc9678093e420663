"""The slices of the three tables. A slice is a range of offsets of one Kafka partition; retention drops it as a whole.

In MySQL, slices are partitions BY RANGE COLUMNS of the primary key. They are cut ahead of the logs while they are
empty, which is instant; cutting a slice with rows copies the rows. After the last slice of a Kafka partition comes its
rest, and after all of these a common rest for future Kafka partitions.

Logs expire up to an offset at which a slice ends in all three tables. So the first table decides where slices end, and
the others follow it at every run. This also completes a run that stopped between two tables.
"""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import Any, Final

import mysql.connector
from mysql.connector import errorcode

from include import retries
from include.names import ARRIVED_TABLE, LOGS_DATABASE, PROGRESS_TABLE, TABLES

LEAST_LOGS: Final = 1_000_000
"""Minimum logs per slice without a disk limit: a day with fewer logs needs no slice of its own."""
NEAR: Final = 7
"""Number of slices ahead that are one day wide."""
FAR: Final = 5
"""Number of slices after those, each twice as wide as the one before it, in case the rate of logs rises steeply."""
FEW: Final = 3
"""If fewer slices of about a day are ahead, all slices ahead are cut again."""
MOST: Final = 8000
"""Most slices of a table; MySQL's limit is 8,192 partitions."""
PARTS: Final = 16
LEAST_PARTS: Final = 4
PART_BYTES: Final = 32 * 2**20
"""With a disk limit, PARTS slices fill it. If they would be smaller than PART_BYTES, there are fewer, since MySQL makes
each file a few MiB larger than its rows."""
ROW_BYTES: Final = 205
"""Size of a row of a generated log."""
LEAST_NARROW: Final = 20_000
"""Minimum logs per slice with a disk limit. An empty slice takes 112 KiB in each table."""
FOR_EVER: Final = 3650
"""Days for which slices must suffice if nothing expires."""

_DAY_SECONDS: Final = 86_400
_LOCK: Final = "logsieve.slices"
_LOCK_SECONDS: Final = 600
_WAIT_SECONDS: Final = 1
"""How long an ALTER TABLE waits for other transactions. Statements that arrive meanwhile wait for the ALTER."""
_COPY_WAIT_SECONDS: Final = 120
_PAUSE_SECONDS: Final = 4
_TRY_SECONDS: Final = 600
_FOUND: Final = (
    "SELECT PARTITION_DESCRIPTION FROM information_schema.PARTITIONS WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s"
    " ORDER BY PARTITION_ORDINAL_POSITION"
)
_LOADED: Final = (
    "SELECT kafka_partition, last_offset + 1, (SELECT (last_offset + 1 - end_offset) /"
    f" TIMESTAMPDIFF(SECOND, arrived_at, UTC_TIMESTAMP(3)) FROM {LOGS_DATABASE}.{ARRIVED_TABLE} AS past"
    " WHERE past.kafka_partition = progress.kafka_partition AND arrived_at < UTC_TIMESTAMP(3) - INTERVAL 20 HOUR"
    f" ORDER BY arrived_at DESC LIMIT 1) FROM {LOGS_DATABASE}.{PROGRESS_TABLE} AS progress"
)


class BusyError(RuntimeError):
    """Another session is changing the slices."""


@contextmanager
def locked(cursor: Any) -> Iterator[None]:
    """Prevents other sessions from cutting or dropping slices and from adopting topics. Raises BusyError."""
    cursor.execute("SELECT GET_LOCK(%s, %s)", (_LOCK, _LOCK_SECONDS))
    if cursor.fetchone()[0] != 1:
        raise BusyError(f"another run has been changing the slices for {_LOCK_SECONDS} s: try again later")
    try:
        yield
    finally:
        cursor.execute("SELECT RELEASE_LOCK(%s)", (_LOCK,))
        cursor.fetchall()


def make(cursor: Any, partitions: int, retention_days: int, tables_bytes: int | None = None) -> None:
    """Cuts slices ahead of what is loaded, for this number of Kafka partitions. Tables without slices get them.

    The slices of the first table are planned from its existing ones; those of the other tables then end at the same
    offsets. `tables_bytes`: limit of the three tables together (include/retention/disk_bounds.py); None for no limit.
    `cursor`: a DB-API one that may alter the tables; ALTER TABLE commits. Raises mysql.connector.Error, also if other
    transactions hold a table for longer than _TRY_SECONDS.
    """
    cursor.execute(_LOADED)
    known = {number: (int(end), float(rate or 0) * _DAY_SECONDS) for number, end, rate in cursor.fetchall()}
    cursor.execute("COMMIT")
    loaded = {number: known.get(number, (0, 0.0)) for number in range(partitions)}
    first, *_ = TABLES.values()
    has = read(cursor, first) or {}
    planned = {
        number: cut(has.get(number, []), end, width(per_day, partitions, retention_days, tables_bytes))
        for number, (end, per_day) in loaded.items()
    }
    for table in TABLES.values():
        found = read(cursor, table)
        if found is None:
            alter(cursor, table, _divide(planned), _COPY_WAIT_SECONDS)
        else:
            wanted = {
                number: follow(found.get(number, []), loaded[number][0], ends) for number, ends in planned.items()
            }
            for change in changes(found, wanted):
                alter(cursor, table, change)


def drop(cursor: Any, table: str, before: Mapping[int, int]) -> None:
    """Drops the slices that end at or before these offsets, by Kafka partition. Raises the same errors as `make`."""
    found = read(cursor, table) or {}
    gone = [_name(number, end) for number, ends in found.items() for end in ends if end <= before.get(number, 0)]
    if gone:
        alter(cursor, table, f"DROP PARTITION {', '.join(gone)}")


def read(cursor: Any, table: str) -> dict[int, list[int]] | None:
    """Returns the ascending ends of slices by Kafka partition, without the rest; None if the table has no slices."""
    cursor.execute(_FOUND, (LOGS_DATABASE, table))
    bounds = [row[0] for row in cursor.fetchall()]
    if bounds == [None]:
        return None
    found: dict[int, list[int]] = {}
    for bound in bounds:
        number, end = (bound.decode() if isinstance(bound, bytes) else bound).replace("'", "").split(",")
        if number != "MAXVALUE":
            ends = found.setdefault(int(number), [])
            ends += [] if end == "MAXVALUE" else [int(end)]
    return found


def width(per_day: float, partitions: int, retention_days: int, tables_bytes: int | None = None) -> int:
    """Returns the number of logs per slice: about a day's logs.

    It is more if the table would exceed MySQL's limit of slices, and less if the tables' disk limit holds only a few
    slices, since only whole slices expire.
    """
    room = max(MOST // partitions - NEAR - FAR - 2, 1)
    wanted = max(LEAST_LOGS, round(per_day), round(per_day * (retention_days or FOR_EVER) / room))
    return wanted if tables_bytes is None else min(wanted, narrow(tables_bytes, partitions, room))


def narrow(tables_bytes: int, partitions: int, room: int) -> int:
    """Returns the logs per slice for a small part of a partition's limit. `room`: most slices per partition."""
    each = tables_bytes // partitions
    parts = min(max(each // PART_BYTES, LEAST_PARTS), PARTS)
    # Rows smaller than ROW_BYTES fill more slices.
    return max(each // ROW_BYTES // min(parts, max(room // 2, 1)), LEAST_NARROW)


def cut(ends: Sequence[int], loaded: int, width: int) -> list[int]:
    """Returns where slices of a Kafka partition should end. Slices with rows stay. `loaded`: the next offset to load.

    Nothing changes while at least FEW slices of about this width are ahead, so not every day alters the tables.
    """
    ahead = ends[bisect_right(ends, loaded) :]
    steps = [end - begin for begin, end in pairwise(ahead)]
    if len(steps) > FEW and max(steps[:FEW]) <= 2 * width and ahead[-1] - loaded >= NEAR * width:
        return list(ends)
    last = ahead[0] if ahead else loaded + width
    kept = [*ends[: len(ends) - len(ahead)], last]
    for factor in [1] * (NEAR - 1) + [2**power for power in range(1, FAR + 1)]:
        last += factor * width
        kept.append(last)
    return kept


def follow(ends: Sequence[int], loaded: int, planned: Sequence[int]) -> list[int]:
    """Returns where slices that now end at `ends` should end: as planned, except for slices with rows."""
    kept = ends[: bisect_right(ends, loaded) + 1]
    return [*kept, *(end for end in planned if end > max([loaded, *kept]))]


def changes(found: Mapping[int, Sequence[int]], wanted: Mapping[int, Sequence[int]]) -> Iterator[str]:
    """Yields the ALTER TABLE clauses that make the slices end as wanted, in order."""
    for number, ends in found.items():
        new = wanted.get(number, ends)
        alike = min(len(ends), len(new))
        same = next((at for at in range(alike) if ends[at] != new[at]), alike)
        if list(new) != list(ends):
            old = [*(_name(number, end) for end in ends[same:]), _rest(number)]
            yield f"REORGANIZE PARTITION {', '.join(old)} INTO ({_listed({number: new[same:]})})"
    if added := {number: ends for number, ends in wanted.items() if number not in found}:
        yield f"REORGANIZE PARTITION rest INTO ({_listed(added)}, {_END})"


def alter(cursor: Any, table: str, change: str, wait_seconds: int = _WAIT_SECONDS) -> None:
    """Retries the change while other transactions block it. Raises mysql.connector.Error."""
    cursor.execute(f"SET SESSION lock_wait_timeout = {wait_seconds}")
    retries.retry(
        lambda: cursor.execute(f"ALTER TABLE {LOGS_DATABASE}.{table} {change}"),
        _TRY_SECONDS,
        lambda error: isinstance(error, mysql.connector.Error) and error.errno == errorcode.ER_LOCK_WAIT_TIMEOUT,
        pause=_PAUSE_SECONDS,
    )


_END: Final = "PARTITION rest VALUES LESS THAN (MAXVALUE, MAXVALUE)"


def _divide(wanted: Mapping[int, Sequence[int]]) -> str:
    return f"PARTITION BY RANGE COLUMNS (kafka_partition, kafka_offset) ({_listed(wanted)}, {_END})"


def _listed(wanted: Mapping[int, Sequence[int]]) -> str:
    return ", ".join(
        f"PARTITION {name} VALUES LESS THAN ({number}, {end})"
        for number, ends in wanted.items()
        for name, end in [*((_name(number, end), end) for end in ends), (_rest(number), "MAXVALUE")]
    )


def _name(number: int, end: int) -> str:
    return f"p{number}_{end}"


def _rest(number: int) -> str:
    return f"p{number}_rest"
