"""Fills the tables before the first run, to measure what appending to months of rows costs."""

from collections.abc import Callable
from contextlib import closing
from typing import Any, Final

from bench import limits, own_stack
from bench.hand_written_rules import loading
from include import names
from include.stack.environment import Environment

FIRST_PARTITION: Final = 1_000_000
"""The first kafka_partition of these rows: no topic has that many partitions."""


def fill(env: Environment, rows: int, show: Callable[[int], None]) -> None:
    """Loads the prepared rows of the limits repeatedly, up to at least `rows`; calls `show` with the count so far."""
    folders = sorted(limits.folder_of(env.reaching()).glob("*/*"))
    filled, partition = 0, FIRST_PARTITION
    with closing(own_stack.connection(env)) as connection, closing(connection.cursor()) as cursor:
        while filled < rows:
            # Folders repeat offsets only across passes, so each pass uses new partitions.
            for folder in folders:
                version = int((folder / "version").read_text())
                for path in folder.glob("*.csv"):
                    cursor.execute(loading(str(path), path.stem, partition + int(folder.parent.name), version))
                    filled += cursor.rowcount
                show(filled)
                if filled >= rows:
                    break
            partition += env.settings.topic_partitions


def empty(cursor: Any, table: str) -> None:
    """Removes the table's rows of contestants; keeps the rows of `fill`."""
    whole = f"{names.LOGS_DATABASE}.{table}"
    cursor.execute(f"SELECT 1 FROM {whole} WHERE kafka_partition >= {FIRST_PARTITION} LIMIT 1")
    if cursor.fetchone() is None:
        cursor.execute(f"TRUNCATE TABLE {whole}")
    else:
        cursor.execute(f"DELETE FROM {whole} WHERE kafka_partition < {FIRST_PARTITION}")
