"""The transaction of load: writes the verdicts of one batch of a partition to MySQL, all or none."""

import itertools
import logging
import tempfile
import time
from contextlib import closing
from functools import cache
from typing import Any, Final

import mysql.connector
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from mysql.connector.abstracts import MySQLCursorAbstract

from include import names
from include.settings import Settings
from include.topics.offsets import runs
from include.watch import mysql_trouble
from include.watch.totals import Totals
from include.watch.troubles import Trouble, TroubleError
from jobs.database import Database, number
from jobs.driver.holding import Lease
from jobs.loading import corrections, counts, foreign, layout, verdicts

_PROGRESS: Final = f"{names.LOGS_DATABASE}.{names.PROGRESS_TABLE}"
_COUNTED: Final = f"{names.LOGS_DATABASE}.{names.COUNTED_TABLE}"
_BEFORE: Final = (
    "SELECT @@max_allowed_packet, progress.last_offset, counted.totals FROM (SELECT %s AS kafka_partition) AS wanted"
    f" LEFT JOIN {_PROGRESS} AS progress USING (kafka_partition)"
    f" LEFT JOIN {_COUNTED} AS counted USING (kafka_partition) FOR UPDATE"
)
"""What each transaction begins with, in one request: at a low rate, requests are most of what it costs."""
_COUNT: Final = f"REPLACE INTO {_COUNTED} (kafka_partition, totals) VALUES (%s, %s)"
_SAVE: Final = (
    f"INSERT INTO {_PROGRESS} (kafka_partition, last_offset, status_offset, loaded_at)"
    " VALUES (%s, %s, %s, UTC_TIMESTAMP(3)) ON DUPLICATE KEY UPDATE last_offset = VALUES(last_offset),"
    " status_offset = GREATEST(status_offset, VALUES(status_offset)), loaded_at = VALUES(loaded_at)"
)
_EXPIRED: Final = f"SELECT before_offset FROM {names.LOGS_DATABASE}.{names.EXPIRED_TABLE} WHERE kafka_partition = %s"
_CORRECTED: Final = (
    f"REPLACE INTO {names.LOGS_DATABASE}.{names.CORRECTED_TABLE}"
    " (kafka_partition, status_offset, first_offset, last_offset, logs, cause, first_received_at, last_received_at,"
    " corrected_at) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, UTC_TIMESTAMP(3))"
)
_PACKET_BYTES: Final = 128 * 1024
"""The client's packet size for LOAD DATA. A server that accepts less only closes the connection, without a reason."""
_RUNS_A_DELETE: Final = 500
_log = logging.getLogger("logsieve.load")


class LoadRefusedError(TroubleError):
    """MySQL skipped or changed rows. The transaction is rolled back."""


def write(database: Database, lease: Lease, batch: foreign.Batch) -> int:
    """Loads status messages of one partition in one transaction; returns the number of rows.

    Foreign messages are set aside and all are counted in the same transaction. Raises TroubleError, LeaseLostError or
    mysql.connector.Error; then nothing is written.
    """
    found = foreign.parse(batch)
    try:
        return _write(database, lease, batch, *found)
    except (LoadRefusedError, verdicts.NotAVerdictError, mysql.connector.Error):
        stricter = foreign.parse(batch, strictly=True)
        if len(stricter[1]) == len(found[1]):
            raise
    return _write(database, lease, batch, *stricter)


def _write(
    database: Database, lease: Lease, batch: foreign.Batch, rows: pa.Table | None, strange: list[foreign.Foreign]
) -> int:
    with database.session() as connection, closing(connection.cursor()) as cursor:
        count = _load(cursor, batch, rows, len(strange))
        if strange:
            _log.warning(
                "%d messages of %s, partition %d, are not verdicts, the first at offset %d: %s. They are set aside in"
                " %s.%s",
                *(len(strange), names.STATUS_TOPIC, batch.partition, strange[0].offset, strange[0].reason),
                *(names.LOGS_DATABASE, names.FOREIGN_TABLE),
            )
            foreign.set_aside(cursor, batch.partition, strange)
        # Last, so that the row is locked only briefly: no driver can take the lease between here and the commit.
        lease.check(cursor)
        connection.commit()
    return count


def _load(cursor: MySQLCursorAbstract, batch: foreign.Batch, parsed: pa.Table | None, strange: int) -> int:
    """Returns the number of rows written; expired logs are not written."""
    partition = batch.partition
    known, totals = _before(cursor, partition)
    if parsed is None:
        _count(cursor, partition, totals, None, Totals(foreign=strange))
        cursor.execute(_SAVE, (partition, known, batch.last))
        return 0
    rows, replayed = verdicts.split(parsed, known)
    last_offset = max(known, rows["kafka_offset"][-1].as_py())
    new = rows
    if len(replayed):
        # After the delete has touched the tables no slice can be dropped; rows that expire later go with their slice.
        _delete(cursor, partition, replayed)
        noted = corrections.of(rows.filter(pc.less_equal(rows["kafka_offset"], known)), batch.causes)
        cursor.executemany(_CORRECTED, [(partition, *each) for each in noted])
        new = rows.filter(pc.greater(rows["kafka_offset"], known))
        expired = number(cursor, _EXPIRED, partition) or 0
        rows = rows.filter(pc.greater_equal(rows["kafka_offset"], expired))
    for status in names.STATUSES:
        _append(cursor, status, rows.filter(pc.equal(rows["status"], status)))
    _count(cursor, partition, totals, new, Totals(foreign=strange, replaced=len(replayed)))
    cursor.execute(_SAVE, (partition, last_offset, batch.last))
    return int(rows.num_rows)


def _before(cursor: MySQLCursorAbstract, partition: int) -> tuple[int, Totals]:
    """The last offset that is loaded, -1 if none is, and the totals. Raises TroubleError if LOAD DATA cannot work."""
    cursor.execute(_BEFORE, (partition,))
    row: Any = cursor.fetchone()
    packet, last_offset, totals = row
    if packet < _PACKET_BYTES:
        sentence = f"MySQL accepts packets of {packet:,} bytes, LOAD DATA sends {_PACKET_BYTES:,}"
        raise TroubleError(Trouble(sentence, mysql_trouble.PACKETS))
    return -1 if last_offset is None else last_offset, Totals.of(totals)


def _count(cursor: MySQLCursorAbstract, partition: int, totals: Totals, new: pa.Table | None, others: Totals) -> None:
    """Adds the new rows and the others to the totals of the partition. Raises NotAVerdictError."""
    others.bad_run = totals.bad_run
    totals.add(others)
    if new is not None and new.num_rows:
        now = time.time_ns() // 1_000_000
        totals.add(counts.of(new, now, bad_before=totals.bad_run, limit=_limit()))
    cursor.execute(_COUNT, (partition, totals.text))


@cache
def _limit() -> int:
    return Settings().breaker_in_a_row


def _delete(cursor: MySQLCursorAbstract, partition: int, offsets: np.ndarray) -> None:
    """Removes these origins from all three tables: a replay may have another status."""
    found = runs(offsets)
    for start_at in range(0, len(found), _RUNS_A_DELETE):
        some = found[start_at : start_at + _RUNS_A_DELETE]
        between = " OR ".join(["kafka_offset BETWEEN %s AND %s"] * len(some))
        for table in names.TABLES.values():
            cursor.execute(
                f"DELETE FROM {names.LOGS_DATABASE}.{table} WHERE kafka_partition = %s AND ({between})",
                (partition, *itertools.chain.from_iterable(some)),
            )


def _append(cursor: MySQLCursorAbstract, status: str, rows: pa.Table) -> None:
    """Appends the rows to the table of their status. Raises LoadRefusedError if MySQL skipped or changed any."""
    if not rows.num_rows:
        return
    table = f"{names.LOGS_DATABASE}.{names.TABLES[status]}"
    ours = layout.current()
    with tempfile.NamedTemporaryFile(prefix="logsieve-load-") as file:
        file.write(verdicts.to_csv(rows.select(ours.of(status))))
        file.flush()
        cursor.execute(
            f"LOAD DATA LOCAL INFILE '{file.name}' INTO TABLE {table} CHARACTER SET utf8mb4"
            """ FIELDS TERMINATED BY ',' ENCLOSED BY '"' ESCAPED BY '' LINES TERMINATED BY '\\n'"""
            f" {ours.loading[status]}"
        )
    # LOCAL implies IGNORE: duplicates are skipped and values truncated with only a warning, whatever the SQL mode.
    if cursor.rowcount != rows.num_rows or cursor.warning_count:
        took = f"{table} took {cursor.rowcount} of {rows.num_rows} rows, warnings: {cursor.warning_count}"
        cursor.execute("SHOW WARNINGS LIMIT 1")
        warnings: Any = cursor.fetchall()
        first = "".join(f" ({warning})" for *_, warning in warnings)
        raise LoadRefusedError(
            Trouble(
                f"{took}{first}; rolled back",
                "A row exists beyond the progress row, or the table differs from ./logsieve contract show: find out who"
                " added the row or changed the table, and undo that",
            )
        )
