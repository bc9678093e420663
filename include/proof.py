"""The conservation proof, pure: what the hops hold of a range of one partition's origins, compared with its verdicts.

The last verdict of each origin, as the status topic has it, is what MySQL and the index must hold. Whole buckets of
BUCKET origins are compared by count and sums first; origins are looked at one by one only where those differ.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import reduce
from typing import Any, Final

import numpy as np

from include.names import STATUSES, origin_key

BUCKET: Final = 5000

CODES: Final = {status: code for code, status in enumerate(STATUSES, 1)}
"""A status as a small number; 0 is none."""

NO_VERDICT: Final = "no status message"
NO_ROW: Final = "no row in MySQL"
TWO_TABLES: Final = "in two tables"
OTHER_ROW: Final = "another status in MySQL"
NO_DOCUMENT: Final = "no document"
TWO_DOCUMENTS: Final = "two documents"
OTHER_DOCUMENT: Final = "another status in the index"
ROW_OF_NO_LOG: Final = "row of no log"
DOCUMENT_OF_NO_LOG: Final = "document of no log"
UNPROVEN: Final = "cannot be proven, as Kafka has removed what would tell"

OF_NO_LOG: Final = frozenset({ROW_OF_NO_LOG, DOCUMENT_OF_NO_LOG})

_COUNTS: Final = ("logs", "keys", "messages", "rows", "documents", "refused", "gaps", "expired", "left")

FIRST: Final = 5
"""How many runs of origins of each kind a sentence names."""

Sums = dict[tuple[int, int], tuple[int, ...]]
"""By (bucket, code): the number of origins and sums over them, as `sums` gives them."""


@dataclass
class Proof:
    """What was found of the origins [first, end) of a partition; `differences`: sorted offsets by kind, empty if well.

    `messages` may be more than `keys`: the status topic is at least once, and a log may be judged again on purpose.
    `gaps`: offsets that hold no log, as the transactions of a producer leave them.
    `expired`: the offset before which logs have expired; `left`: rows and documents of these that are still there.
    """

    partition: int
    first: int
    end: int
    keys: int = 0
    messages: int = 0
    rows: int = 0
    documents: int = 0
    refused: int = 0
    gaps: int = 0
    expired: int = 0
    left: int = 0
    differences: dict[str, np.ndarray] = field(default_factory=dict)

    @property
    def logs(self) -> int:
        """Offsets in server-logs: they are dense, but for the gaps."""
        return self.end - self.first - self.gaps

    def add(self, found: Mapping[str, np.ndarray]) -> None:
        """Takes further differences in."""
        for kind, offsets in found.items():
            if len(offsets):
                known = self.differences.get(kind, np.empty(0, np.int64))
                self.differences[kind] = np.union1d(known, offsets)

    def sentence(self) -> str:
        """The numbers for people, with the first origins of every difference."""
        what = f"partition {self.partition}, offsets {self.first:,} to {self.end - 1:,}: {self.logs:,} logs"
        if not self.logs:
            what = f"partition {self.partition}: no new logs"
        if self.gaps:
            what += f" (offsets that hold none: {self.gaps:,}, as a producer with transactions leaves them)"
        if self.expired:
            left = f", {self.left:,} rows and documents of theirs are left to expire_logs" if self.left else ""
            what += f" (those before offset {self.expired:,} have expired{left})"
        if self.differences:
            found = (f"{len(these):,} {kind} ({self._first(these)})" for kind, these in self.differences.items())
            return f"{what}, but {'; '.join(found)}"
        if not self.logs:
            return what
        if self.documents < self.logs:  # and nothing differs: the dead-letter file has the others
            with_one = f"{self.documents:,} with one document: Elasticsearch refused the others"
            return f"{what}, each with one status and one row, {with_one}"
        return f"{what}, each with one status, one row and one document"

    def as_json(self) -> dict[str, Any]:
        """Plain values, for programs; differences as runs of offsets."""
        plain = {name: getattr(self, name) for name in ("partition", "first", "end", *_COUNTS)}
        return plain | {"differences": {kind: runs(these) for kind, these in self.differences.items()}}

    def to_judge_again(self) -> list[tuple[int, int]]:
        """The runs (first, last) of origins that differ and are logs."""
        differing = [these for kind, these in self.differences.items() if kind not in OF_NO_LOG]
        return runs(np.unique(np.concatenate(differing))) if differing else []

    def _first(self, offsets: np.ndarray) -> str:
        found = [tuple(origin_key(self.partition, offset) for offset in run) for run in runs(offsets)]
        named = [first if first == last else f"{first} to {last}" for first, last in found[:FIRST]]
        return ", ".join([*named, "…"] if len(found) > FIRST else named)


def sums(first: int, codes: np.ndarray) -> Sums:
    """Of the origins first, first + 1, … with these codes: count, sum and sum of squares of the offset MOD BUCKET."""
    offsets = np.arange(first, first + len(codes))
    buckets, rest = offsets // BUCKET - first // BUCKET, offsets % BUCKET
    found: Sums = {}
    for code in CODES.values():
        mine = codes == code
        here, weight = buckets[mine], rest[mine].astype(np.float64)
        counts = np.bincount(here)
        columns = np.bincount(here, weight), np.bincount(here, weight * weight)
        for bucket in np.flatnonzero(counts):
            found[int(bucket) + first // BUCKET, code] = (
                int(counts[bucket]),
                *(int(column[bucket]) for column in columns),
            )
    return found


def doubtful(first: int, codes: np.ndarray, tables: Sums, documents: Sums) -> list[tuple[int, int]]:
    """The ranges [from, to) of origins to look at one by one: a verdict is missing, or a hop's sums differ."""
    expected = sums(first, codes)
    buckets = {int(bucket) for bucket in np.unique((first + np.flatnonzero(codes == 0)) // BUCKET)}
    buckets |= {key[0] for key in expected.keys() | tables.keys() if expected.get(key) != tables.get(key)}
    # The index can give no exact sum of squares: two of three are compared.
    buckets |= {
        key[0] for key in expected.keys() | documents.keys() if expected.get(key, ())[:2] != documents.get(key, ())[:2]
    }
    end = first + len(codes)
    return [(max(bucket * BUCKET, first), min((bucket + 1) * BUCKET, end)) for bucket in sorted(buckets)]


def differences(
    first: int,
    codes: np.ndarray,
    tables: Iterable[tuple[int, int]],
    documents: Iterable[tuple[int, int]],
    refused: Iterable[int],
) -> dict[str, np.ndarray]:
    """Compares origin by origin. `tables`, `documents`: (offset, code) of each; `refused`: dead letters' offsets."""
    rows, row_codes = _spread(first, len(codes), tables)
    found, found_codes = _spread(first, len(codes), documents)
    is_refused = np.zeros(len(codes), bool)
    is_refused[[offset - first for offset in refused if 0 <= offset - first < len(codes)]] = True
    judged = codes > 0
    kinds = {
        NO_VERDICT: ~judged,
        NO_ROW: rows == 0,
        TWO_TABLES: rows > 1,
        OTHER_ROW: judged & (rows == 1) & (row_codes != codes),
        NO_DOCUMENT: (found == 0) & ~is_refused,
        TWO_DOCUMENTS: found > 1,
        OTHER_DOCUMENT: judged & (found == 1) & (found_codes != codes),
    }
    return {kind: first + np.flatnonzero(mask) for kind, mask in kinds.items() if mask.any()}


def nowhere(found: Mapping[str, np.ndarray]) -> np.ndarray:
    """Of `differences` the origins that no hop has: there may be no such log."""
    none = np.empty(0, np.int64)
    return reduce(np.intersect1d, (found.get(kind, none) for kind in (NO_VERDICT, NO_ROW, NO_DOCUMENT)))


def explained(
    found: Mapping[str, np.ndarray], gaps: np.ndarray, removed: np.ndarray, gone: int
) -> dict[str, np.ndarray]:
    """`differences`, without what is none, and with what cannot be told from one as UNPROVEN.

    Of the origins that are `nowhere`, server-logs has no record at `gaps`, and those `removed` no longer. `gone`: of
    origins before it, Kafka may have removed the verdicts. What is in no hop, but in server-logs, stays lost.
    """
    known = np.union1d(gaps, removed)
    rest = {kind: np.setdiff1d(these, known) for kind, these in found.items()}
    unjudged = rest.get(NO_VERDICT, known[:0])
    return rest | {NO_VERDICT: unjudged[unjudged >= gone], UNPROVEN: np.union1d(removed, unjudged[unjudged < gone])}


def _spread(first: int, count: int, pairs: Iterable[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    """How often each origin comes, and the code it comes with last."""
    times, codes = np.zeros(count, np.int64), np.zeros(count, np.int8)
    for offset, code in pairs:
        times[offset - first] += 1
        codes[offset - first] = code
    return times, codes


def runs(offsets: np.ndarray) -> list[tuple[int, int]]:
    """Ascending, distinct offsets as (first, last) of each run without a gap."""
    cuts = np.flatnonzero(np.diff(offsets) != 1)
    firsts, lasts = np.append(0, cuts + 1), np.append(cuts, len(offsets) - 1)
    return [(int(offsets[i]), int(offsets[j])) for i, j in zip(firsts, lasts, strict=True)] if len(offsets) else []
