"""Rows that are in the tables before anybody begins: what a table of months costs those who add to it."""

from collections.abc import Callable
from contextlib import closing
from typing import Any, Final

from bench import limits, own_stack
from bench.by_hand import loading
from include import names
from include.stack.environment import Environment

FIRST_PARTITION: Final = 1_000_000
"""Their kafka_partition begins here: no topic has so many."""


def fill(env: Environment, rows: int, say: Callable[[int], None]) -> None:
    """Loads the prepared rows of the limits again and again, until there are at least so many."""
    folders = sorted(limits.folder_of(own_stack.env_settings(env)).glob("*/*"))
    filled, partition = 0, FIRST_PARTITION
    with closing(own_stack.connection(env)) as connection, closing(connection.cursor()) as cursor:
        while filled < rows:
            # Every folder's offsets are its own within its partition, so each pass needs as many partitions.
            for folder in folders:
                version = int((folder / "version").read_text())
                for path in folder.glob("*.csv"):
                    cursor.execute(loading(str(path), path.stem, partition + int(folder.parent.name), version))
                    filled += cursor.rowcount
                say(filled)
                if filled >= rows:
                    break
            partition += env.settings.topic_partitions


def empty(cursor: Any, table: str) -> None:
    """Removes all other rows of the table."""
    whole = f"{names.LOGS_DATABASE}.{table}"
    cursor.execute(f"SELECT 1 FROM {whole} WHERE kafka_partition >= {FIRST_PARTITION} LIMIT 1")  # noqa: S608
    if cursor.fetchone() is None:
        cursor.execute(f"TRUNCATE TABLE {whole}")
    else:
        cursor.execute(f"DELETE FROM {whole} WHERE kafka_partition < {FIRST_PARTITION}")  # noqa: S608
