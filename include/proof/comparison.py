"""Compares the hops over a range of one partition's origins: by checksums, and one by one where these differ."""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from confluent_kafka import Consumer
from elasticsearch import Elasticsearch

from include.proof import bucket_sums, evidence, report
from include.proof import documents as evidence_documents
from include.proof import rows as evidence_rows
from include.proof.bucket_sums import BUCKET
from include.proof.report import Proof
from include.retention import documents as expired_documents
from include.retention import expiry

_PIECE: Final = 200_000
"""Origins compared together; limits what one MySQL statement reads."""
_READERS: Final = 2
"""Concurrent Elasticsearch searches: one runs while the answer of another is read."""
_NEAR: Final = 50
"""Largest distance of two rejudged origins that are read together, with the origins between them."""


@dataclass(frozen=True)
class Clients:
    """Clients of the hops.

    `consumer`: read-only, in the indexer's group. `cursor`: a DB-API one in UTC without autocommit that may write the
    table `reconciled`. `refused`: offsets by partition of the logs in the dead-letter file.
    """

    consumer: Consumer
    cursor: Any
    index: Elasticsearch
    refused: Mapping[int, set[int]] = field(default_factory=dict)


@dataclass(frozen=True)
class Past:
    """What may be missing from a partition: Kafka may have removed the verdicts on origins before `gone`; earlier
    proofs have closed the origins before `closed`."""

    gone: int = 0
    closed: int = 0

    def had_no_log(self, removed: np.ndarray) -> np.ndarray:
        """Returns those of these origins, which have no verdict and whose records Kafka has removed, that had no log
        when they were closed: Kafka still has the verdicts on the logs around them."""
        return removed[(removed >= self.gone) & (removed < self.closed)]


def prove(clients: Clients, made: Proof, number: int, verdicts: evidence.Verdicts, past: Past) -> Proof:
    """Compares the range in pieces, then the origins before it that were rejudged since they were closed."""
    made.keys, made.messages = int(np.count_nonzero(verdicts.codes)), verdicts.messages
    made.refused = sum(made.first <= offset < made.end for offset in clients.refused.get(number, ()))
    for first in range(made.first, made.end, _PIECE):
        for begin, end in _doubtful(clients, made, number, verdicts, first, min(first + _PIECE, made.end)):
            judged = np.flatnonzero(verdicts.codes[begin - made.first : end - made.first]) + begin
            places = dict(zip(judged.tolist(), verdicts.places[judged - made.first].tolist(), strict=True))
            _compare(clients, made, number, np.arange(begin, end), places, past)
    if made.expired:
        made.left = expiry.count_rows(clients.cursor, number, made.expired)
        made.left += expired_documents.count(clients.index, number, made.expired)
    before = np.array(sorted(verdicts.before), np.int64)
    for near in np.split(before, np.flatnonzero(np.diff(before) > _NEAR) + 1):
        for start in range(0, len(near), BUCKET):
            some = near[start : start + BUCKET]
            _compare(clients, made, number, some, {each: verdicts.before[each] for each in some.tolist()})
    return made


def _doubtful(
    clients: Clients, made: Proof, number: int, verdicts: evidence.Verdicts, first: int, end: int
) -> Iterator[tuple[int, int]]:
    """Counts the rows and documents of a piece. Yields its ranges that must be compared origin by origin."""
    here = slice(first - made.first, end - made.first)
    tables = evidence_rows.row_sums(clients.cursor, number, first, end)
    made.rows += sum(count for count, _ in tables.values())
    buckets = bucket_sums.doubtful(first, verdicts.codes[here], verdicts.checksums[here], tables)

    def look(chunk: tuple[int, int]) -> tuple[int, bool]:
        here = slice(chunk[0] - made.first, chunk[1] - made.first)
        return evidence_documents.same(clients.index, number, chunk[0], verdicts.codes[here], verdicts.checksums[here])

    chunks = list(verdicts.chunks(first, end))
    with ThreadPoolExecutor(_READERS) as readers:
        for (begin, stop), (count, is_same) in zip(chunks, readers.map(look, chunks), strict=True):
            made.documents += count
            if not is_same or begin // BUCKET in buckets:
                yield begin, stop


def _compare(
    clients: Clients, made: Proof, number: int, offsets: np.ndarray, places: dict[int, int], past: Past = Past()
) -> None:
    """Compares these ascending offsets one by one and adds the differences. `places`: the offsets of their verdicts.

    For an origin that no hop has, it checks in server-logs whether the log exists.
    """
    if not len(offsets):
        return
    first, end = int(offsets[0]), int(offsets[-1]) + 1
    texts = evidence.texts(clients.consumer, number, places)
    rows = evidence_rows.rows(clients.cursor, number, first, end)
    documents, strays = evidence_documents.documents(clients.index, number, first, end)
    found = report.differences(offsets, texts, rows, documents, clients.refused.get(number, ()))
    gaps = removed = nowhere = report.nowhere(found)
    if len(nowhere):
        gaps, removed = evidence.missing_records(clients.consumer, number, nowhere)
        known = past.had_no_log(removed)
        gaps, removed = np.union1d(gaps, known), np.setdiff1d(removed, known)
    made.gaps += len(gaps)
    made.add(report.explained(found, gaps, removed, past.gone))
    differing = {offset for these in found.values() for offset in these.tolist()}
    made.places |= {offset: place for offset, place in places.items() if offset in differing}
    made.strays += strays
