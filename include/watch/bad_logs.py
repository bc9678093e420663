"""Recent bad logs, for the breaker: their share, runs of them, the top reasons, and an example of each reason.

Works with any DB-API cursor whose parameters are `%s`. Everything here only reads. The client's errors are passed on.
"""

import json
from collections import Counter
from dataclasses import dataclass
from typing import Any, Final

from include.names import BAD, GOOD, LOGS_DATABASE, SUSPICIOUS, TABLES, origin_key
from include.watch.health import Run

SAMPLE: Final = 10_000
"""Reasons are counted in at most this many of the newest bad logs, which is enough to find the cause."""
MOST_REASONS: Final = 3
MOST_CHARACTERS: Final = 200
"""Maximum length of an example in an alert."""

_TABLE: Final = {status: f"{LOGS_DATABASE}.{table}" for status, table in TABLES.items()}
# `received_at` comes from the producer's clock: logs dated far ahead must not stay in the window until then.
_IN_WINDOW: Final = "received_at BETWEEN UTC_TIMESTAMP(3) - INTERVAL %s MINUTE AND UTC_TIMESTAMP(3) + INTERVAL 1 MINUTE"
_IN_RUN: Final = "kafka_partition = %s AND kafka_offset BETWEEN %s AND %s"


@dataclass(frozen=True)
class Reason:
    """How many logs of the sample have a reason, and the newest of them: its origin and its first bytes as text."""

    reason: str
    logs: int
    origin: str
    example: str

    def __str__(self) -> str:
        return f"{self.reason}: {self.logs:,}, for example {self.origin}: {self.example}"


def counts(cursor: Any, minutes: int) -> dict[str, int]:
    """Number of logs of the last `minutes` by status, read from the index on `received_at` only."""
    found = {}
    for status, table in _TABLE.items():
        cursor.execute(f"SELECT COUNT(*) FROM {table} WHERE {_IN_WINDOW}", (minutes,))
        (found[status],) = cursor.fetchone()
    return found


def run_of_bad(cursor: Any, minutes: int, length: int) -> Run | None:
    """A run of `length` bad logs whose last log is from the last `minutes`; None if there is none.

    Logs after a run do not hide it, and it may have begun earlier. Gaps that a producer's transactions leave between
    offsets do not end a run unless there are more gaps than logs.
    """
    bad = _TABLE[BAD]
    cursor.execute(
        f"SELECT kafka_partition, MIN(kafka_offset) FROM {bad} WHERE {_IN_WINDOW} GROUP BY kafka_partition",
        (minutes,),
    )
    for partition, oldest in cursor.fetchall():
        # Pairs each bad log with the one `length` before it. Only close pairs are worth a look at the logs between.
        cursor.execute(
            "SELECT begins, ends FROM (SELECT kafka_offset AS ends, LAG(kafka_offset, %s) OVER (ORDER BY kafka_offset)"
            f" AS begins FROM {bad} WHERE kafka_partition = %s AND kafka_offset >= %s) AS near"
            " WHERE ends >= %s AND ends - begins < %s ORDER BY ends",
            (length - 1, partition, oldest - 2 * length, oldest, 2 * length),
        )
        other = -1
        for first, last in cursor.fetchall():
            if first <= other:
                continue  # the log that broke the previous run breaks this one too
            run = Run(partition, first, last)
            other = _newest_other(cursor, run)
            if other < first:
                return run
    return None


def top_reasons(cursor: Any, minutes: int, run: Run | None = None) -> list[Reason]:
    """The most frequent reasons among the newest SAMPLE bad logs of the run, or else of the last `minutes`."""
    where, values = (_IN_RUN, (run.partition, run.first, run.last)) if run else (_IN_WINDOW, (minutes,))
    cursor.execute(
        f"SELECT reasons, kafka_partition, kafka_offset FROM {_TABLE[BAD]} WHERE {where}"
        f" ORDER BY received_at DESC LIMIT {SAMPLE}",
        values,
    )
    logs: Counter[str] = Counter()
    newest: dict[str, tuple[int, int]] = {}
    for reasons, *origin in cursor.fetchall():
        for reason in json.loads(reasons):
            logs[reason] += 1
            newest.setdefault(reason, (origin[0], origin[1]))
    return [
        Reason(reason, number, origin_key(*newest[reason]), _example(cursor, newest[reason]))
        for reason, number in logs.most_common(MOST_REASONS)
    ]


def readable(raw: bytes | None) -> str:
    """The start of a log on one line; bytes that are not UTF-8 or not printable are escaped."""
    if raw is None:
        return "(no value)"
    text = bytes(raw).decode(errors="backslashreplace")
    line = "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
    return line if len(line) <= MOST_CHARACTERS else line[: MOST_CHARACTERS - 1] + "…"


def _newest_other(cursor: Any, run: Run) -> int:
    """Offset of the last log in the range that is not bad, by one lookup in each index; -1 if there is none."""
    found = [-1]
    for status in (GOOD, SUSPICIOUS):
        cursor.execute(
            f"SELECT COALESCE(MAX(kafka_offset), -1) FROM {_TABLE[status]} WHERE {_IN_RUN}",
            (run.partition, run.first, run.last),
        )
        found += cursor.fetchone()
    return max(found)


def _example(cursor: Any, origin: tuple[int, int]) -> str:
    cursor.execute(
        f"SELECT LEFT(raw, {5 * MOST_CHARACTERS}) FROM {_TABLE[BAD]} WHERE kafka_partition = %s AND kafka_offset = %s",
        origin,
    )
    found = cursor.fetchone()
    return readable(found[0]) if found else "(gone: it is being judged again)"
