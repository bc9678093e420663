"""Reconciles the hops: the conservation proof over new logs, over a range, or over everything.

Every log that MySQL counts as loaded and that has not expired is compared field by field in the status topic, MySQL and
the index. Logs that a proof found whole are closed, and the hourly proof starts after them. Logs that cannot be proven
any more, because Kafka removed their verdicts first, are reported; only a manual proof closes them. Everything is read
as of one moment: MySQL in one snapshot, the status topic up to the last message whose row the snapshot has, and the
index once the indexer has reached that message.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import mysql.connector
from confluent_kafka import Consumer
from mysql.connector import errorcode

from include import retries
from include.names import INDEX, LOGS_DATABASE, LOGS_TOPIC, RECONCILED_TABLE, STATUS_TOPIC
from include.proof import documents, evidence, report, rows
from include.proof.comparison import Clients, Past, prove
from include.proof.report import Proof
from include.topics import foreign_messages, hops

_INDEXER_SECONDS: Final = 180
_PAUSE_SECONDS: Final = 0.5
_CLOSED: Final = f"SELECT kafka_partition, next_offset, status_offset FROM {LOGS_DATABASE}.{RECONCILED_TABLE}"
_CLOSE: Final = (
    f"REPLACE INTO {LOGS_DATABASE}.{RECONCILED_TABLE}"
    " (kafka_partition, next_offset, status_offset, reconciled_at)"
    " VALUES (%s, %s, %s, UTC_TIMESTAMP(3))"
)

Place = tuple[int, int]
"""Position in one partition: the next origin and the offset of the next status message."""
Progress = Callable[[int, int], None]


class IndexerBehindError(RuntimeError):
    """The indexer did not catch up with MySQL in time, so nothing can be compared."""


@dataclass(frozen=True)
class Range:
    """The origins [first, end) of one partition. If `end` is None, the range ends with the last loaded log."""

    partition: int
    first: int = 0
    end: int | None = None


@dataclass(frozen=True)
class Begin:
    """Where a proof begins: its first origin and its first status message. Kafka may have removed the verdicts on
    origins before `gone`."""

    origin: int
    status: int
    gone: int = 0


def reconcile(
    clients: Clients,
    wanted: Range | None = None,
    *,
    new_only: bool = False,
    on_progress: Progress = lambda read, total: None,
) -> list[Proof]:
    """Proves all partitions, the range `wanted`, or with `new_only` what is not closed yet. One proof per partition.

    If anything differs, it proves again: a log that is being rejudged looks like a difference. `on_progress` gets the
    numbers of status messages read and in total. Raises IndexerBehindError; client errors propagate.
    """
    try:
        proofs, ends = _look(clients, wanted, new_only, on_progress)
    except mysql.connector.Error as error:
        if error.errno != errorcode.ER_TABLE_DEF_CHANGED:
            raise
        # MySQL cannot read the snapshot any more: slices were cut or dropped since it was taken.
        clients.cursor.execute("ROLLBACK")
        proofs, ends = _look(clients, wanted, new_only, on_progress)
    if any(each.kinds for each in proofs):
        proofs, ends = _look(clients, wanted, new_only, on_progress)
    if wanted is None:
        _close(clients.cursor, proofs, ends, new_only)
    return proofs


def begin(closed: Place | None, oldest: int, judged: int, known: int, new_only: bool) -> Begin:
    """Returns where to begin in a partition that earlier proofs have `closed` up to this place.

    `oldest`: the first status message that Kafka still has; `judged`: the log that it is about; `known`: the first log
    that any hop has, since Kafka may have removed earlier ones before the stream first started.
    """
    if new_only and closed and closed[1] >= oldest:
        return Begin(*closed)
    gone = judged if oldest else 0
    if closed and oldest:
        # Logs that were proven before Kafka removed their verdicts need no new proof.
        return Begin(closed[0] if new_only else min(closed[0], judged), oldest, gone)
    return Begin(known, oldest, gone)


def _look(
    clients: Clients, wanted: Range | None, new_only: bool, on_progress: Progress
) -> tuple[list[Proof], dict[int, int]]:
    """Returns the proofs, and by partition the offset after the last status message that was read."""
    clients.cursor.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT")
    loaded, closed = hops.read_progress(clients.cursor), _closed(clients.cursor)
    expired, foreign = hops.read_expired(clients.cursor), foreign_messages.offsets(clients.cursor)
    logs, topic = hops.topic_ranges(clients.consumer, LOGS_TOPIC), hops.topic_ranges(clients.consumer, STATUS_TOPIC)
    known = [number for number in sorted(loaded) if number in topic and (wanted is None or wanted.partition == number)]
    _wait_for_the_indexer(clients.consumer, {number: loaded[number][1] for number in known})
    clients.index.indices.refresh(index=INDEX)
    there = {number: (logs.get(number, (0, 0))[0], topic[number][0]) for number in known}
    begins = {
        number: _begin(clients, number, there[number], loaded[number], closed.get(number), new_only, foreign)
        for number in known
    }
    total, read = sum(max(loaded[number][1] - each.status, 0) for number, each in begins.items()), 0

    def count_read(count: int) -> None:
        nonlocal read
        read += count
        on_progress(min(read, total), total)

    proofs = []
    for number, at in begins.items():
        (end, status_end), kept = loaded[number], expired.get(number, 0)
        first = max(at.origin, kept)
        if wanted is not None:
            first, end = max(first, wanted.first), end if wanted.end is None else min(end, wanted.end)
        end = max(first, end)
        # For a requested range, earlier logs do not matter.
        oldest = kept if wanted is None else first
        status, strange = (at.status, status_end), foreign.get(number, ())
        found = evidence.verdicts(clients.consumer, number, status, (first, end), oldest, count_read, strange)
        past = Past(at.gone, closed.get(number, (0, 0))[0])
        proofs.append(prove(clients, Proof(number, first, end, expired=kept), number, found, past))
    if wanted is None:
        _add_what_no_log_has(clients, proofs, {number: end for number, (end, _) in loaded.items()})
    clients.cursor.execute("COMMIT")
    return proofs, {number: loaded[number][1] for number in known}


def _close(cursor: Any, proofs: list[Proof], ends: Mapping[int, int], new_only: bool) -> None:
    """Closes whole proofs. Logs that cannot be proven stay red in every hourly proof until a manual one closes them."""
    seen = {report.ROW_OF_NO_LOG, report.DOCUMENT_OF_NO_LOG} | (set() if new_only else {report.UNPROVEN})
    for each in proofs:
        if each.partition is not None and each.partition in ends and each.kinds <= seen:
            cursor.execute(_CLOSE, (each.partition, each.end, ends[each.partition]))
    cursor.execute("COMMIT")


def _begin(
    clients: Clients,
    number: int,
    oldest: Place,
    loaded: Place,
    closed: Place | None,
    new_only: bool,
    foreign: Mapping[int, set[int]],
) -> Begin:
    """`oldest`: the first log and the first status message that Kafka still has."""
    (log, status), (end, status_end) = oldest, loaded
    judged = evidence.first_origin(clients.consumer, number, (status, status_end), foreign.get(number, ()))
    # Without any remaining verdict, the verdicts on all loaded logs are gone.
    judged = end if judged is None else min(judged, end)
    row = rows.first_row(clients.cursor, number)
    return begin(closed, status, judged, min(judged, log, judged if row is None else row), new_only)


def _closed(cursor: Any) -> dict[int, Place]:
    cursor.execute(_CLOSED)
    return {number: (origin, status) for number, origin, status in cursor.fetchall()}


def _wait_for_the_indexer(consumer: Consumer, status: Mapping[int, int]) -> None:
    def lag() -> int:
        return sum(max(status[number] - done, 0) for number, done in hops.indexed(consumer, status).items())

    def late(lag: int) -> IndexerBehindError:
        return IndexerBehindError(
            f"the indexer is {lag:,} status messages behind MySQL: check ./logsieve status, then reconcile again"
        )

    retries.until(lag, _INDEXER_SECONDS, late, done=lambda lag: lag == 0, pause=_PAUSE_SECONDS)


def _add_what_no_log_has(clients: Clients, proofs: list[Proof], loaded: Mapping[int, int]) -> None:
    """Adds rows after the last loaded log, documents after the end of server-logs, and those of unknown partitions."""
    by_partition = {each.partition: each for each in proofs}

    def of(partition: int | None) -> Proof:
        if partition not in by_partition:
            by_partition[partition] = Proof(partition, 0, 0)
            proofs.append(by_partition[partition])
        return by_partition[partition]

    for number, offsets in rows.rows_of_no_log(clients.cursor, loaded).items():
        of(number).add({report.ROW_OF_NO_LOG: offsets})
    for stray in documents.documents_of_no_log(clients.index, lambda: hops.topic_ends(clients.consumer, LOGS_TOPIC)):
        of(stray.partition).strays.append(stray)
