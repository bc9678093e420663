"""Sets aside the contents of the sinks whose origins now refer to other logs. Every function is idempotent.

The names of the copies end with `at`, a time. `report` receives a line for each copy once it is safe.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from confluent_kafka import Consumer
from elasticsearch import Elasticsearch

from include.contract import reading, tables
from include.index import template
from include.index.template import Shape
from include.names import INDEX, LOGS_DATABASE, STATUS_TOPIC, TABLES
from include.stack.errors import StackError
from include.topics import hops

_CLONE_SECONDS: Final = 600
"""Usually instant; without hard links, Elasticsearch copies all files."""

Report = Callable[[str], None]


def rows(cursor: Any, at: str, report: Report) -> None:
    """Renames the three tables atomically, unless all are empty, and recreates them. `cursor` may create tables."""
    _make_tables(cursor)
    if count := sum(hops.read_tables(cursor).rows.values()):
        kept = {f"{LOGS_DATABASE}.{table}": f"{LOGS_DATABASE}.{table}_before_{at}" for table in TABLES.values()}
        # Readers may hold the tables, such as a running proof.
        cursor.execute("SET lock_wait_timeout = 120")
        cursor.execute("RENAME TABLE " + ", ".join(f"{table} TO {name}" for table, name in kept.items()))
        report(f"Kept {count:,} rows: {', '.join(kept.values())}")
        _make_tables(cursor)


def _make_tables(cursor: Any) -> None:
    cursor.execute(tables.statements(reading.current()))
    while cursor.nextset():
        pass


def documents(client: Elasticsearch, at: str, shape: Shape, report: Report) -> None:
    """Clones each index of the alias, unless it is empty, and deletes it; recreates the alias with indices of `shape`.

    Raises StackError if a clone is incomplete.
    """
    for name in sorted(template.names(client)):
        if count := _count(client, name):
            kept = f"{INDEX}-before-{at}{name.removeprefix(INDEX)}"
            client.indices.add_block(index=name, block="write")
            waiting = client.options(request_timeout=_CLONE_SECONDS + 10)
            waiting.indices.clone(index=name, target=kept, timeout=f"{_CLONE_SECONDS}s")
            if (cloned := _count(client, kept)) != count:
                raise StackError(
                    f"{kept} has only {cloned:,} of {count:,} documents of {name}.", "Delete it, then adopt again."
                )
            report(f"Kept {count:,} documents: index {kept}")
        client.indices.delete(index=name)
    template.ensure(client, shape)


def _count(client: Elasticsearch, index: str) -> int:
    client.indices.refresh(index=index)
    return int(client.count(index=index)["count"])


def unfinished_verdicts(consumer: Consumer, done: dict[int, int], folder: Path, at: str, report: Report) -> None:
    """Saves the status messages from offset `done` of each partition to a file: their logs may be gone."""
    file, count = folder / f"verdicts_before_{at}.jsonl", 0
    for number, (first, end) in hops.topic_ranges(consumer, STATUS_TOPIC).items():
        for messages in hops.read_status(consumer, number, max(first, done.get(number, 0)), end):
            with file.open("ab") as lines:
                lines.writelines((message.value() or b"") + b"\n" for message in messages)
            count += len(messages)
    if count:
        report(f"Kept {count:,} verdicts that were not both loaded and indexed: {file}")


def refused_documents(file: Path, at: str, report: Report) -> None:
    """Renames the dead-letter file, unless it is empty."""
    if file.exists() and file.stat().st_size:
        kept = file.rename(file.with_name(f"{file.stem}_before_{at}{file.suffix}"))
        report(f"Kept the documents that Elasticsearch had rejected: {kept}")
