"""Loads one day's accounts export into the users history in MySQL: days in any order, and repeatedly.

The connection's database has the tables of include/sql/dim_users.sql, and the connection allows `LOAD DATA LOCAL`.
"""

import csv
import tempfile
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import IO, Any, Final

from include.contract import reading
from include.settings import ROOT
from include.users.export import MAX_TEXT, ExportRefusedError, read_export
from include.users.limits import Difference, Example, Limits, check, nearest

BEGINNING: Final = date(1970, 1, 1)
"""Start of the first period of every account."""

_STAGING: Final = (
    "CREATE TEMPORARY TABLE new_users (account_no INT NOT NULL, user_device VARCHAR(64) NOT NULL, line INT NOT NULL,"
    " PRIMARY KEY (account_no, line))"
)
_BULK_LOAD: Final = (
    "LOAD DATA LOCAL INFILE %s INTO TABLE new_users CHARACTER SET utf8mb4"
    """ FIELDS TERMINATED BY ',' ENCLOSED BY '"' ESCAPED BY '' LINES TERMINATED BY '\\n'"""
)
_TWICE: Final = (
    "SELECT account_no, MIN(line), MAX(line) FROM new_users GROUP BY account_no HAVING COUNT(*) > 1"
    " ORDER BY MAX(line) LIMIT 1"
)
_SQL: Final = ROOT / "include" / "sql"
# A second load waits here, then reads what the first has committed.
_LOCK: Final = (
    "INSERT INTO users_version (version, changed_at) VALUES (0, UTC_TIMESTAMP(3)) ON DUPLICATE KEY UPDATE id = id"
)
_LOCK_SECONDS: Final = 1800
_COUNTS: Final = (
    "SELECT COUNT(*), COALESCE(SUM(was IS NULL), 0), COALESCE(SUM(was IS NOT NULL AND becomes IS NOT NULL), 0),"
    " COALESCE(SUM(becomes IS NULL), 0) FROM differing"
)
_EXAMPLE: Final = "SELECT account_no, was, becomes FROM differing WHERE {} ORDER BY account_no LIMIT 1"
_AROUND: Final = (
    "(SELECT ds FROM loads WHERE ds <= %(day)s ORDER BY ds DESC LIMIT 1) UNION ALL"
    " (SELECT ds FROM loads WHERE ds > %(day)s ORDER BY ds LIMIT 1)"
)
_LOADED: Final = "REPLACE INTO loads (ds, accounts, version, loaded_at) VALUES (%s, %s, %s, UTC_TIMESTAMP(3))"


@dataclass(frozen=True)
class Loaded:
    """What a day's export changed: accounts added, changed to another device, or closed from that day on."""

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
    _check_dimension(name)
    if day < BEGINNING:
        raise ExportRefusedError(f"{name} is for {day}, but the history begins on {BEGINNING}.", "Load a later day")
    with closing(connection.cursor()) as cursor:
        # Every statement sees the newest commits, so nothing read is older than the lock; and no gaps are locked.
        cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")
        cursor.execute(f"SET SESSION innodb_lock_wait_timeout = {_LOCK_SECONDS}")
        try:
            accounts = _stage(cursor, export, name)
            loaded = _merge(cursor, day, accounts, name, limits)
        except BaseException:
            connection.rollback()
            raise
        connection.commit()
    return loaded


def _check_dimension(name: str) -> None:
    contract = reading.current()
    if (dimension := contract.dimension) is None:
        raise ExportRefusedError(f"{name} has no use: the contract has no dimension.", "Pause the DAG users_dimension")
    device = contract.by_name[dimension.attributes[0].field]
    columns = (dimension.column, *(each.column for each in dimension.attributes))
    is_ours = columns == ("account_no", "user_device") and contract.by_name[dimension.key].type == "int32"
    if not (is_ours and device.type == "text" and device.most <= MAX_TEXT):
        raise ExportRefusedError(
            f"{name}: exports of this dimension, with the columns {', '.join(columns)}, cannot be loaded yet.",
            f"Declare account_no (int32) and user_device (a text of at most {MAX_TEXT} characters)",
        )


def is_any_pending(cursor: Any) -> bool:
    """Whether verdicts must still be rejudged because the users of their day have changed."""
    cursor.execute("SELECT 1 FROM changes LIMIT 1")
    return cursor.fetchone() is not None


def close_changes(cursor: Any, version: int) -> None:
    """Marks all changes up to this version as processed."""
    cursor.execute("DELETE FROM changes WHERE version <= %s", (version,))


def _stage(cursor: Any, export: IO[bytes], name: str) -> int:
    """Loads the export into the table new_users and returns the number of accounts."""
    cursor.execute("DROP TEMPORARY TABLE IF EXISTS new_users")
    cursor.execute(_STAGING)
    accounts = 0
    with tempfile.TemporaryDirectory(prefix="logsieve-users-") as folder:
        file = Path(folder) / "accounts.csv"
        with file.open("w", encoding="utf-8", newline="") as out:
            writer = csv.writer(out, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
            for account in read_export(export, name):
                writer.writerow(account)
                accounts += 1
        cursor.execute(_BULK_LOAD, (str(file),))
    # LOCAL implies IGNORE: rows are skipped and values cut with a warning only, whatever the SQL mode.
    if cursor.rowcount != accounts or cursor.warning_count:
        raise ExportRefusedError(
            f"{name}: MySQL took {cursor.rowcount} of {accounts} accounts, warnings: {cursor.warning_count}.",
            "Look for a device that MySQL cannot store, fix the file and clear the task",
        )
    cursor.execute(_TWICE)
    if row := cursor.fetchone():
        raise ExportRefusedError(f"{name}, line {row[2]}: account {row[0]} is already in line {row[1]}.")
    return accounts


def _merge(cursor: Any, day: date, accounts: int, name: str, limits: Limits | None) -> Loaded:
    cursor.execute(_LOCK)
    cursor.execute("SELECT version FROM users_version FOR UPDATE")
    (version,) = cursor.fetchone()
    cursor.execute(_AROUND, {"day": day})
    around = [ds for (ds,) in cursor.fetchall()]
    other = nearest(day, around)
    if limits is not None and other is not None:
        # Up to the next loaded day, the history is the same: only a later day has to be compared separately.
        _run(cursor, "differing_users.sql", {"day": max(day, other)})
        check(_difference(cursor, day, other, accounts), name, limits)
    if limits is None or other is None or other > day:
        _run(cursor, "differing_users.sql", {"day": day})
    values = {"day": day, "next": max((ds for ds in around if ds > day), default=None), "version": version + 1}
    _run(cursor, "merge_users.sql", values)
    differing, added, changed, closed = _counts(cursor)
    if differing:
        version += 1
        cursor.execute("UPDATE users_version SET version = %s, changed_at = UTC_TIMESTAMP(3)", (version,))
    cursor.execute(_LOADED, (day, accounts, version))
    return Loaded(day.isoformat(), accounts, added, changed, closed, version)


def _difference(cursor: Any, day: date, other: date, accounts: int) -> Difference:
    """The counts of the table differing, with the lowest account of each kind as an example."""

    def example(which: str) -> Example | None:
        cursor.execute(_EXAMPLE.format(which))
        row = cursor.fetchone()
        return Example(*row) if row else None

    _, added, changed, closed = _counts(cursor)
    return Difference(
        day,
        other,
        accounts,
        changed,
        closed,
        added,
        example("was IS NOT NULL AND becomes IS NOT NULL"),
        example("becomes IS NULL"),
        example("was IS NULL"),
    )


def _counts(cursor: Any) -> tuple[int, int, int, int]:
    """Number of accounts that differ, and of those added, changed and closed."""
    cursor.execute(_COUNTS)
    differing, added, changed, closed = map(int, cursor.fetchone())
    return differing, added, changed, closed


def _run(cursor: Any, file: str, values: dict[str, Any]) -> None:
    lines = (_SQL / file).read_text(encoding="utf-8").splitlines()
    sql = "\n".join(line for line in lines if not line.lstrip().startswith("--"))
    for statement in filter(str.strip, sql.split(";")):
        cursor.execute(statement, values)
