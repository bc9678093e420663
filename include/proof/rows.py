"""Reads the rows of a range of one partition's origins for the proof.

`cursor`: a DB-API one in UTC. All functions raise mysql.connector.Error.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np

from include.names import LOGS_DATABASE, TABLES
from include.proof.bucket_sums import BUCKET, CODES, Sums
from include.proof.contents import row_text

_RANGE: Final = " WHERE kafka_partition = %s AND kafka_offset >= %s AND kafka_offset < %s"


def row_sums(cursor: Any, partition: int, first: int, end: int) -> Sums:
    """Returns count and checksum by bucket and status in the three tables; see `bucket_sums.sums`."""
    found: Sums = {}
    for status, table in TABLES.items():
        cursor.execute(
            f"SELECT kafka_offset DIV {BUCKET}, COUNT(*),"
            f" SUM(CRC32({row_text(status)}) * (kafka_offset MOD {BUCKET} + 1))"
            f" FROM {LOGS_DATABASE}.{table}{_RANGE} GROUP BY 1",
            (partition, first, end),
        )
        for bucket, count, total in cursor.fetchall():
            found[int(bucket), CODES[status]] = int(count), int(total or 0)
    return found


def rows(cursor: Any, partition: int, first: int, end: int) -> Iterator[tuple[int, bytes]]:
    """Yields offset and text of every row, as `contents.row_text` builds it. An origin in two tables appears twice."""
    for status, table in TABLES.items():
        cursor.execute(
            f"SELECT kafka_offset, CAST({row_text(status)} AS BINARY) FROM {LOGS_DATABASE}.{table}{_RANGE}",
            (partition, first, end),
        )
        yield from ((offset, bytes(text or b"{}")) for offset, text in cursor.fetchall())


def first_row(cursor: Any, partition: int) -> int | None:
    """Returns the lowest offset of a partition's rows; None if there are none."""
    found = []
    for table in TABLES.values():
        cursor.execute(
            f"SELECT kafka_offset FROM {LOGS_DATABASE}.{table}"
            " WHERE kafka_partition = %s AND kafka_offset >= 0 ORDER BY kafka_offset LIMIT 1",
            (partition,),
        )
        found += [offset for (offset,) in cursor.fetchall()]
    return min(found, default=None)


def rows_of_no_log(cursor: Any, ends: Mapping[int, int]) -> dict[int, np.ndarray]:
    """Returns offsets of rows that belong to no log, by partition: below 0, or at or after `ends`, the ends of what is
    loaded."""
    found: dict[int, list[int]] = {}
    for table in TABLES.values():
        # This reads only the ends of the primary key, however large the tables are.
        cursor.execute(f"SELECT DISTINCT kafka_partition FROM {LOGS_DATABASE}.{table}")
        for (partition,) in cursor.fetchall():
            cursor.execute(
                f"SELECT kafka_offset FROM {LOGS_DATABASE}.{table} WHERE kafka_partition = %s AND kafka_offset < 0"
                f" UNION ALL SELECT kafka_offset FROM {LOGS_DATABASE}.{table}"
                " WHERE kafka_partition = %s AND kafka_offset >= %s",
                (partition, partition, ends.get(partition, 0)),
            )
            if offsets := [offset for (offset,) in cursor.fetchall()]:
                found.setdefault(partition, []).extend(offsets)
    return {partition: np.unique(offsets) for partition, offsets in found.items()}
