"""Counts logs over time in MySQL: what is left to tell when Elasticsearch is away."""

import time
from collections.abc import Iterator, Sequence
from typing import Any, Final

from include.log_filters import Filters
from include.names import LOGS_DATABASE, STATUSES, TABLES
from include.summary import Part, Span, TakesLongError

SECONDS: Final = 2.5
"""How long MySQL may take for all of them; it gives up by itself."""


def read(cursor: Any, filters: Filters, spans: Sequence[Span]) -> Iterator[Part]:
    """Parts without tops, by the index of received_at; of the filters only the status counts.

    Raises TakesLongError, and mysql.connector.Error.
    """
    until, step = time.monotonic() + SECONDS, filters.bucket_seconds
    for begin, end in spans:
        part = Part()
        for status in filters.wanted:
            left = int((until - time.monotonic()) * 1000)
            if left <= 0:
                raise TakesLongError("MySQL")
            cursor.execute(
                f"SELECT /*+ MAX_EXECUTION_TIME({left}) */"  # noqa: S608
                f" FLOOR(UNIX_TIMESTAMP(received_at) / {step}) * {step} AS at, COUNT(*)"
                f" FROM {LOGS_DATABASE}.{TABLES[status]}"
                " WHERE received_at >= FROM_UNIXTIME(%s / 1000) AND received_at < FROM_UNIXTIME(%s / 1000) GROUP BY at",
                (begin, end),
            )
            for at, count in cursor.fetchall():
                part.buckets.setdefault(int(at) * 1000, [0] * len(STATUSES))[STATUSES.index(status)] = count
        yield part
