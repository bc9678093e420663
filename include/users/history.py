"""Loads one day's accounts export into the users history in MySQL: days in any order, and repeatedly.

The connection's database has the tables of tables.py, and the connection allows `LOAD DATA LOCAL`.
"""

import csv
import tempfile
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import IO, Any, Final

from include.contract import reading
from include.users.export import ExportRefusedError, read_export
from include.users.limits import Difference, Example, Limits, check, nearest
from include.users.merging import Merging
from include.users.shape import Shape

BEGINNING: Final = date(1970, 1, 1)
"""Start of the first period of every account."""

_BULK_LOAD: Final = (
    "LOAD DATA LOCAL INFILE %s INTO TABLE new_users CHARACTER SET utf8mb4"
    """ FIELDS TERMINATED BY ',' ENCLOSED BY '"' ESCAPED BY '' LINES TERMINATED BY '\\n'"""
)
_TWICE: Final = (
    "SELECT user_key, MIN(line), MAX(line) FROM new_users GROUP BY user_key HAVING COUNT(*) > 1"
    " ORDER BY MAX(line) LIMIT 1"
)
# A second load waits here, then reads what the first has committed.
_LOCK: Final = (
    "INSERT INTO users_version (version, changed_at) VALUES (0, UTC_TIMESTAMP(3)) ON DUPLICATE KEY UPDATE id = id"
)
_LOCK_SECONDS: Final = 1800
_COUNTS: Final = (
    "SELECT COUNT(*), COALESCE(SUM(was_0 IS NULL), 0),"
    " COALESCE(SUM(was_0 IS NOT NULL AND becomes_0 IS NOT NULL), 0),"
    " COALESCE(SUM(becomes_0 IS NULL), 0) FROM differing"
)
_EXAMPLE: Final = "SELECT * FROM differing WHERE {} ORDER BY user_key LIMIT 1"
_AROUND: Final = (
    "(SELECT ds FROM loads WHERE ds <= %(day)s ORDER BY ds DESC LIMIT 1) UNION ALL"
    " (SELECT ds FROM loads WHERE ds > %(day)s ORDER BY ds LIMIT 1)"
)
_LOADED: Final = "REPLACE INTO loads (ds, accounts, version, loaded_at) VALUES (%s, %s, %s, UTC_TIMESTAMP(3))"


@dataclass(frozen=True)
class Loaded:
    """What a day's export changed: accounts added, changed to another attribute, or closed from that day on."""

    day: str
    accounts: int
    added: int
    changed: int
    closed: int
    version: int
    """Version of the history after the load."""


def load_day(connection: Any, day: date, export: IO[bytes], name: str, limits: Limits | None) -> Loaded:
    """Loads the day's export, called `name` in errors, and commits. `connection`: mysql.connector, no open transaction.

    `limits`: how much it may differ from the nearest loaded day; None: without limit. The very first export is not
    compared. Raises ExportRefusedError and MySQL's errors; then nothing is loaded.
    """
    shape = Shape.of(reading.current())
    if shape is None:
        raise ExportRefusedError(f"{name} has no use: the contract has no dimension.", "Pause the DAG users_dimension")
    if day < BEGINNING:
        raise ExportRefusedError(f"{name} is for {day}, but the history begins on {BEGINNING}.", "Load a later day")
    with closing(connection.cursor()) as cursor:
        # Every statement sees the newest commits, so nothing read is older than the lock; and no gaps are locked.
        cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")
        cursor.execute(f"SET SESSION innodb_lock_wait_timeout = {_LOCK_SECONDS}")
        try:
            accounts = _stage(cursor, export, name, shape)
            loaded = _merge(cursor, day, accounts, name, limits, shape)
        except BaseException:
            connection.rollback()
            raise
        connection.commit()
    return loaded


def is_any_pending(cursor: Any) -> bool:
    """Whether verdicts must still be rejudged because the users of their day have changed."""
    cursor.execute("SELECT 1 FROM changes LIMIT 1")
    return cursor.fetchone() is not None


def close_changes(cursor: Any, version: int) -> None:
    """Marks all changes up to this version as processed."""
    cursor.execute("DELETE FROM changes WHERE version <= %s", (version,))


def _stage(cursor: Any, export: IO[bytes], name: str, shape: Shape) -> int:
    """Loads the export into the table new_users and returns the number of accounts."""
    cursor.execute("DROP TEMPORARY TABLE IF EXISTS new_users")
    cursor.execute(Merging(shape).stage())
    accounts = 0
    with tempfile.TemporaryDirectory(prefix="logsieve-users-") as folder:
        file = Path(folder) / "accounts.csv"
        with file.open("w", encoding="utf-8", newline="") as out:
            writer = csv.writer(out, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
            for account in read_export(export, name, shape):
                writer.writerow(account)
                accounts += 1
        cursor.execute(_BULK_LOAD, (str(file),))
    # LOCAL implies IGNORE: rows are skipped and values cut with a warning only, whatever the SQL mode.
    if cursor.rowcount != accounts or cursor.warning_count:
        raise ExportRefusedError(
            f"{name}: MySQL took {cursor.rowcount} of {accounts} accounts, warnings: {cursor.warning_count}.",
            "Look for a value that MySQL cannot store, fix the file and clear the task",
        )
    cursor.execute(_TWICE)
    if row := cursor.fetchone():
        raise ExportRefusedError(f"{name}, line {row[2]}: {shape.subject} {row[0]!r} is already in line {row[1]}.")
    return accounts


def _merge(cursor: Any, day: date, accounts: int, name: str, limits: Limits | None, shape: Shape) -> Loaded:
    merging = Merging(shape)
    cursor.execute(_LOCK)
    cursor.execute("SELECT version FROM users_version FOR UPDATE")
    (version,) = cursor.fetchone()
    cursor.execute(_AROUND, {"day": day})
    around = [ds for (ds,) in cursor.fetchall()]
    other = nearest(day, around)
    if limits is not None and other is not None:
        # Up to the next loaded day, the history is the same: only a later day has to be compared separately.
        _run(cursor, merging.differing(), {"day": max(day, other)})
        check(_difference(cursor, day, other, accounts, shape), name, limits)
    if limits is None or other is None or other > day:
        _run(cursor, merging.differing(), {"day": day})
    values = {"day": day, "next": max((ds for ds in around if ds > day), default=None), "version": version + 1}
    _run(cursor, merging.merge(), values)
    differing, added, changed, closed = _counts(cursor)
    if differing:
        version += 1
        cursor.execute("UPDATE users_version SET version = %s, changed_at = UTC_TIMESTAMP(3)", (version,))
    cursor.execute(_LOADED, (day, accounts, version))
    return Loaded(day.isoformat(), accounts, added, changed, closed, version)


def _difference(cursor: Any, day: date, other: date, accounts: int, shape: Shape) -> Difference:
    """The counts of the table differing, with the lowest account of each kind as an example."""

    def example(which: str) -> Example | None:
        cursor.execute(_EXAMPLE.format(which))
        if (row := cursor.fetchone()) is None:
            return None
        key, *values = row
        was, becomes = values[: len(shape.attributes)], values[len(shape.attributes) :]
        return Example(f"{shape.subject} {key!r}", _shown(was), _shown(becomes))

    _, added, changed, closed = _counts(cursor)
    return Difference(
        day,
        other,
        accounts,
        changed,
        closed,
        added,
        example("was_0 IS NOT NULL AND becomes_0 IS NOT NULL"),
        example("becomes_0 IS NULL"),
        example("was_0 IS NULL"),
        words=shape.words,
    )


def _shown(values: list[Any]) -> str | None:
    return None if values[0] is None else ", ".join(map(repr, values))


def _counts(cursor: Any) -> tuple[int, int, int, int]:
    """Number of accounts that differ, and of those added, changed and closed."""
    cursor.execute(_COUNTS)
    differing, added, changed, closed = map(int, cursor.fetchone())
    return differing, added, changed, closed


def _run(cursor: Any, statements: Iterable[str], values: dict[str, Any]) -> None:
    for statement in statements:
        cursor.execute(statement, values)
