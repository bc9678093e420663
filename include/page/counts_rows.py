"""Counts logs over time in MySQL, the fallback while Elasticsearch is unreachable."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Final

from include.names import LOGS_DATABASE, STATUSES, TABLES
from include.page.counts import Part, Span, TakesLongError
from include.page.filters import Filters

SECONDS: Final = 2.5
"""How long MySQL may take for all parts; it aborts the query itself."""


class RowSource:
    """A Source of summaries; `cursor` opens a cursor of a session in UTC, as a context manager.

    Reading raises TakesLongError, and mysql.connector.Error.
    """

    kept_seconds = 60.0

    def __init__(self, cursor: Callable[[], AbstractContextManager[Any]]) -> None:
        self._cursor = cursor

    def read(self, filters: Filters, spans: Sequence[Span]) -> Iterator[Part]:
        """Parts without tops, by the index on received_at; of the filters only the status applies."""
        with self._cursor() as cursor:
            yield from _read(cursor, filters, spans)

    def changed(self, since: int | None, before: int, length: int) -> tuple[int | None, set[int]]:
        """Nothing: MySQL cannot detect changes."""
        return None, set()


def _read(cursor: Any, filters: Filters, spans: Sequence[Span]) -> Iterator[Part]:
    until, step = time.monotonic() + SECONDS, filters.bucket_seconds
    for begin, end in spans:
        part = Part()
        for status in filters.wanted:
            left = int((until - time.monotonic()) * 1000)
            if left <= 0:
                raise TakesLongError("MySQL")
            cursor.execute(
                f"SELECT /*+ MAX_EXECUTION_TIME({left}) */"
                f" FLOOR(UNIX_TIMESTAMP(received_at) / {step}) * {step} AS at, COUNT(*)"
                f" FROM {LOGS_DATABASE}.{TABLES[status]}"
                " WHERE received_at >= FROM_UNIXTIME(%s / 1000) AND received_at < FROM_UNIXTIME(%s / 1000) GROUP BY at",
                (begin, end),
            )
            for at, count in cursor.fetchall():
                part.buckets.setdefault(int(at) * 1000, [0] * len(STATUSES))[STATUSES.index(status)] = count
        yield part
