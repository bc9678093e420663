"""Decides which logs expire and removes their rows, for the DAG expire_logs; documents.py removes their documents.

The age of a log counts from when it was loaded. Each run records the progress of `load`. A slice
(include/retention/slices.py) expires once all of it was loaded `retention_days` ago, or if it no longer fits the disk
(disk_bounds.py). The new limit is stored before anything is removed. So the next run completes a run that was killed,
`load` does not restore expired logs, and the proof starts after them.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from include.names import (
    ARRIVED_TABLE,
    CORRECTED_TABLE,
    EXPIRED_TABLE,
    FOREIGN_TABLE,
    LOGS_DATABASE,
    PROGRESS_TABLE,
    TABLES,
)
from include.retention import fitting, slices
from include.retention.disk_bounds import Bounds
from include.topics.hops import read_expired

_ARRIVED: Final = f"{LOGS_DATABASE}.{ARRIVED_TABLE}"
_EXPIRED: Final = f"{LOGS_DATABASE}.{EXPIRED_TABLE}"
_NOTE: Final = (
    f"INSERT INTO {_ARRIVED} (kafka_partition, arrived_at, end_offset)"
    f" SELECT kafka_partition, UTC_TIMESTAMP(3), last_offset + 1 FROM {LOGS_DATABASE}.{PROGRESS_TABLE} AS progress"
    f" WHERE last_offset >= 0 AND NOT EXISTS (SELECT * FROM {_ARRIVED} AS noted WHERE"
    " noted.kafka_partition = progress.kafka_partition AND noted.arrived_at > UTC_TIMESTAMP(3) - INTERVAL 1 HOUR)"
)
# Never past what is loaded, so that no log expires before it is loaded.
_OLD: Final = (
    f"SELECT kafka_partition, MAX(LEAST(end_offset, last_offset + 1)) FROM {_ARRIVED}"
    f" JOIN {LOGS_DATABASE}.{PROGRESS_TABLE} USING (kafka_partition)"
    " WHERE arrived_at <= UTC_TIMESTAMP(3) - INTERVAL %s DAY GROUP BY kafka_partition"
)
_RATE: Final = (
    "SELECT SUM((last_offset + 1 - end_offset) / TIMESTAMPDIFF(SECOND, arrived_at, UTC_TIMESTAMP(3)))"
    f" FROM {_ARRIVED} AS noted JOIN {LOGS_DATABASE}.{PROGRESS_TABLE} USING (kafka_partition) WHERE arrived_at ="
    f" (SELECT MAX(arrived_at) FROM {_ARRIVED} AS past WHERE past.kafka_partition = noted.kafka_partition"
    " AND arrived_at < UTC_TIMESTAMP(3) - INTERVAL 1 MINUTE)"
)
_MARK: Final = (
    f"INSERT INTO {_EXPIRED} (kafka_partition, before_offset, expired_at) VALUES (%s, %s, UTC_TIMESTAMP(3))"
    " ON DUPLICATE KEY UPDATE"
    " expired_at = IF(VALUES(before_offset) > before_offset, VALUES(expired_at), expired_at),"
    " before_offset = GREATEST(before_offset, VALUES(before_offset))"
)
_FORGET: Final = (
    f"DELETE FROM {_ARRIVED} WHERE end_offset < (SELECT before_offset FROM {_EXPIRED} AS marked"
    f" WHERE marked.kafka_partition = {_ARRIVED}.kafka_partition)"
)

Report = Callable[[str], None]


_FOREIGN: Final = f"DELETE FROM {LOGS_DATABASE}.{FOREIGN_TABLE} WHERE found_at < UTC_TIMESTAMP() -"
_CORRECTED: Final = f"DELETE FROM {LOGS_DATABASE}.{CORRECTED_TABLE} WHERE corrected_at < UTC_TIMESTAMP() -"


def rows(
    cursor: Any, retention_days: int, report: Report, bounds: Bounds | None = None, document_bytes: float | None = None
) -> None:
    """Records what has arrived, then drops the slices that were loaded at least `retention_days` ago (0: none).

    With `bounds`, it also drops slices that no longer fit. `document_bytes`: see include/retention/fitting.py.
    `cursor`: a DB-API one that may alter the tables; the caller holds `slices.locked`. Raises mysql.connector.Error.
    """
    # READ COMMITTED: a statement locks only the rows that it changes, and sees the newest committed data.
    cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")
    cursor.execute(_NOTE)
    if retention_days:
        cursor.execute(f"{_FOREIGN} INTERVAL {retention_days} DAY")
        cursor.execute(f"{_CORRECTED} INTERVAL {retention_days} DAY")
    cursor.execute("COMMIT")
    known, new = read_expired(cursor), _expiring(cursor, retention_days) if retention_days else {}
    if bounds is not None:
        for number, before in fitting.marks(cursor, bounds, document_bytes).items():
            new[number] = max(before, new.get(number, 0))
    for number, before in new.items():
        if before > known.get(number, 0):
            cursor.execute(_MARK, (number, before))
            report(f"partition {number}: logs before offset {before:,} expire, {before - known.get(number, 0):,} more")
    cursor.execute("COMMIT")
    expired = read_expired(cursor)
    for table in TABLES.values():
        slices.drop(cursor, table, expired)
        for number, before in expired.items():
            # The slices contained all of these rows, so this finds only rows that were inserted manually.
            cursor.execute(
                f"DELETE FROM {LOGS_DATABASE}.{table}"
                " WHERE kafka_partition = %s AND kafka_offset >= 0 AND kafka_offset < %s",
                (number, before),
            )
            if cursor.rowcount:
                report(f"partition {number}: removed {cursor.rowcount:,} rows that were left in {table}")
    cursor.execute(_FORGET)
    cursor.execute("COMMIT")


def arrivals_a_second(cursor: Any) -> float | None:
    """Returns the logs loaded per second since `load`'s last recorded progress; None if it is not known yet.

    The record is at most an hour old while expire_logs runs. Raises mysql.connector.Error.
    """
    cursor.execute(_RATE)
    (found,) = cursor.fetchone()
    return None if found is None else float(found)


def _expiring(cursor: Any, retention_days: int) -> dict[int, int]:
    cursor.execute(_OLD, (retention_days,))
    old = {number: int(end) for number, end in cursor.fetchall()}
    ends = [slices.read(cursor, table) or {} for table in TABLES.values()]
    return marks(old, ends)


def marks(old: Mapping[int, int], ends: list[dict[int, list[int]]]) -> dict[int, int]:
    """Returns the expiry limit by partition: the last offset up to `old` at which a slice ends in all tables."""
    found = {}
    for number, end in old.items():
        shared = set.intersection(*(set(table.get(number, ())) for table in ends))
        if expiring := [each for each in shared if each <= end]:
            found[number] = max(expiring)
    return found


def count_rows(cursor: Any, partition: int, before: int) -> int:
    """Returns the number of rows of a partition's logs before the offset, in the three tables together."""
    found = 0
    for table in TABLES.values():
        cursor.execute(
            f"SELECT COUNT(*) FROM {LOGS_DATABASE}.{table}"
            " WHERE kafka_partition = %s AND kafka_offset >= 0 AND kafka_offset < %s",
            (partition, before),
        )
        found += cursor.fetchone()[0]
    return found
