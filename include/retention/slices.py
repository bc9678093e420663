"""The slices of the three tables: each is a range of offsets of one Kafka partition, and retention drops it whole.

In MySQL's words they are partitions, by RANGE COLUMNS of the primary key. They are cut ahead of the logs, while they
are empty: that takes an instant, and cutting one that has rows copies these. Behind the last slice of a Kafka partition
lies its rest, and behind all of them the rest of all, for Kafka partitions to come.

Logs expire up to where a slice ends in all three tables. So the first one decides where slices end and the others
follow it, at every run: after one that broke off between two tables, too.
"""

import time
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import Any, Final

import mysql.connector
from mysql.connector import errorcode

from include.names import ARRIVED_TABLE, LOGS_DATABASE, PROGRESS_TABLE, TABLES

LEAST_LOGS: Final = 1_000_000
"""The narrowest slice: few logs a day need no slice of their own."""
NEAR: Final = 7
"""Slices ahead that are a day wide."""
FAR: Final = 5
"""Slices behind these, each twice as wide as the one before, for when logs come many times faster than yesterday."""
FEW: Final = 3
"""With fewer slices of about a day ahead, all that are ahead are cut anew."""
MOST: Final = 8000
"""MySQL's limit is 8,192 partitions a table."""
PARTS: Final = 16
LEAST_PARTS: Final = 4
PART_BYTES: Final = 32 * 2**20
"""Where the tables have a bound, so many slices fill it; fewer where they would be smaller than this, as MySQL makes
each file some MiB larger than its rows."""
ROW_BYTES: Final = 205
"""What a row takes, of logs as the generator makes them."""
LEAST_NARROW: Final = 20_000
"""No slice has fewer logs; an empty one takes 112 KiB in each table."""
FOR_EVER: Final = 3650
"""Days for which there have to be enough slices where nothing expires."""

_DAY_SECONDS: Final = 86_400
_LOCK: Final = "logsieve.slices"
_LOCK_SECONDS: Final = 600
_WAIT_SECONDS: Final = 1
"""How long an ALTER waits for others' transactions: whoever comes meanwhile has to wait behind it."""
_COPY_WAIT_SECONDS: Final = 120
_PAUSE_SECONDS: Final = 4
_TRY_SECONDS: Final = 600
_FOUND: Final = (
    "SELECT PARTITION_DESCRIPTION FROM information_schema.PARTITIONS WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s"
    " ORDER BY PARTITION_ORDINAL_POSITION"
)
_LOADED: Final = (
    "SELECT kafka_partition, last_offset + 1, (SELECT (last_offset + 1 - end_offset) /"  # noqa: S608
    f" TIMESTAMPDIFF(SECOND, arrived_at, UTC_TIMESTAMP(3)) FROM {LOGS_DATABASE}.{ARRIVED_TABLE} AS past"
    " WHERE past.kafka_partition = progress.kafka_partition AND arrived_at < UTC_TIMESTAMP(3) - INTERVAL 20 HOUR"
    f" ORDER BY arrived_at DESC LIMIT 1) FROM {LOGS_DATABASE}.{PROGRESS_TABLE} AS progress"
)


class BusyError(RuntimeError):
    """The slices are being changed by somebody else."""


@contextmanager
def alone(cursor: Any) -> Iterator[None]:
    """Nobody else cuts or drops slices, or adopts new topics, meanwhile. Raises BusyError."""
    cursor.execute("SELECT GET_LOCK(%s, %s)", (_LOCK, _LOCK_SECONDS))
    if cursor.fetchone()[0] != 1:
        raise BusyError(f"another run has been changing the slices for {_LOCK_SECONDS} s: try again later")
    try:
        yield
    finally:
        cursor.execute("SELECT RELEASE_LOCK(%s)", (_LOCK,))
        cursor.fetchall()


def make(cursor: Any, partitions: int, retention_days: int, tables_bytes: int | None = None) -> None:
    """Cuts slices ahead of what is loaded, for so many Kafka partitions; tables that have none are brought over.

    `tables_bytes`: what all three tables may take (include/retention/disk_bounds.py); None for no bound.

    The first table is cut by what it has, the others so that they end where it does.
    `cursor`: a DB-API one that may alter the tables; ALTER commits. Raises mysql.connector.Error, also when others held
    a table for all of _TRY_SECONDS.
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
    """Drops the slices that end at or below these offsets, by Kafka partition. Raises as `make`."""
    found = read(cursor, table) or {}
    gone = [_name(number, end) for number, ends in found.items() for end in ends if end <= before.get(number, 0)]
    if gone:
        alter(cursor, table, f"DROP PARTITION {', '.join(gone)}")


def read(cursor: Any, table: str) -> dict[int, list[int]] | None:
    """Where the slices of each Kafka partition end, ascending, without its rest; None for a table that has none."""
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
    """How many logs a slice has: about a day's, more where so many slices would be too many for MySQL, and less where
    few fit the tables' bound: what expires is whole slices."""
    room = max(MOST // partitions - NEAR - FAR - 2, 1)
    wanted = max(LEAST_LOGS, round(per_day), round(per_day * (retention_days or FOR_EVER) / room))
    return wanted if tables_bytes is None else min(wanted, narrow(tables_bytes, partitions, room))


def narrow(tables_bytes: int, partitions: int, room: int) -> int:
    """Of how many logs a slice is a small part of a partition's bound; `room`: how many slices it may have."""
    each = tables_bytes // partitions
    parts = min(max(each // PART_BYTES, LEAST_PARTS), PARTS)
    # Smaller rows than these fill more slices.
    return max(each // ROW_BYTES // min(parts, max(room // 2, 1)), LEAST_NARROW)


def cut(ends: Sequence[int], loaded: int, width: int) -> list[int]:
    """Where the slices of a Kafka partition are to end, of which `loaded` is the next offset; what has rows stays.

    The same as before while there are FEW of about the width ahead, so that there is not a change for each day.
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
    """Where the slices of a Kafka partition are to end that end at `ends` now: as planned, behind what has rows."""
    kept = ends[: bisect_right(ends, loaded) + 1]
    return [*kept, *(end for end in planned if end > max([loaded, *kept]))]


def changes(found: Mapping[int, Sequence[int]], wanted: Mapping[int, Sequence[int]]) -> Iterator[str]:
    """What an ALTER TABLE has to say, one after another, so that the slices end as wanted."""
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
    """Tries the change until no transaction of others is in its way. Raises mysql.connector.Error."""
    cursor.execute(f"SET SESSION lock_wait_timeout = {wait_seconds}")
    deadline = time.monotonic() + _TRY_SECONDS
    while True:
        try:
            cursor.execute(f"ALTER TABLE {LOGS_DATABASE}.{table} {change}")
            return
        except mysql.connector.Error as error:
            if error.errno != errorcode.ER_LOCK_WAIT_TIMEOUT or time.monotonic() > deadline:
                raise
        time.sleep(_PAUSE_SECONDS)


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
