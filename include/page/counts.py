"""Counts of logs over time: summed over parts of the range; parts in the past are cached."""

import math
import threading
import time
from bisect import bisect_right
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any, Final, Protocol

from include.names import STATUSES
from include.page.filters import Filters, milliseconds, text

PART_BUCKETS: Final = 6
"""Buckets per part."""
BUCKET_SLICES: Final = 5
"""Slices per bucket."""
SETTLED_SECONDS: Final = 15
"""A part that ended this long ago is settled."""
TOP: Final = 10
_KEPT_FILTERS: Final = 12
"""Number of most recently used filters whose parts are cached: some MB each."""

Span = tuple[int, int]
"""Begin (inclusive) and end (exclusive), in milliseconds."""


@dataclass
class Part:
    """The counts of one span."""

    buckets: dict[int, list[int]] = field(default_factory=dict)
    """By the bucket's first millisecond: logs per status, in the order of STATUSES."""
    tops: dict[str, Counter[Any]] = field(default_factory=dict)
    """Logs by reason and by the fields that are listed, most first; empty if not requested."""


class TakesLongError(Exception):
    """The named server has not counted all parts in time; finished parts are kept, so the next try continues."""


class Source(Protocol):
    """A server that counts logs."""

    kept_seconds: float
    """How long a settled part is cached before it is read again, for corrections and late logs."""

    def read(self, filters: Filters, spans: Sequence[Span]) -> Iterable[Part]:
        """Reads the spans in order, each as one part; ignores the filters' own range."""

    def changed(self, since: Any, before: int, length: int) -> tuple[Any, set[int]]:
        """Returns the `since` for the next call, and the first milliseconds of spans of this length that have changed.

        `since`: None in the first call. Only spans that begin `before` count. Empty if changes cannot be detected.
        """


def spans(begin: int, end: int, bucket_ms: int) -> list[Span]:
    """Splits the range into parts at multiples of their length, and its edges into buckets and slices. Pure.

    So each refresh of a moving range recounts only a slice at either end.
    """
    lengths = (bucket_ms * PART_BUCKETS, bucket_ms, bucket_ms // BUCKET_SLICES)

    def is_cut(at: int) -> bool:
        for length in lengths:
            first = at // length * length
            if at == first:
                return True
            if begin <= first and first + length <= end:
                return False
        return True

    slices = range((begin // lengths[-1] + 1) * lengths[-1], end, lengths[-1])
    return list(pairwise([begin, *filter(is_cut, slices), end]))


def renewed(ages: Sequence[float], since_last: float, kept_seconds: float) -> set[int]:
    """Cached parts to read again, by their ages in seconds: expired parts, and a few of the oldest others. Pure.

    So all are read again within `kept_seconds`, but never all at once.
    """
    few = min(math.ceil(len(ages) * since_last / (0.8 * kept_seconds)), len(ages))
    oldest = sorted(range(len(ages)), key=lambda number: -ages[number])[:few]
    return {number for number in oldest if ages[number] > kept_seconds / 4} | {
        number for number, age in enumerate(ages) if age >= kept_seconds
    }


class Summaries:
    """Reads summaries from one source and caches their parts. Thread-safe."""

    def __init__(self, source: Source, clock: Callable[[], float] = time.monotonic) -> None:
        self._source, self._clock = source, clock
        self._lock = threading.Lock()
        self._kept: OrderedDict[Any, _Kept] = OrderedDict()

    def summary(self, filters: Filters, now: datetime) -> dict[str, Any]:
        """The summary, see `as_json`. Raises the source's errors."""
        bucket_ms = filters.bucket_seconds * 1000
        wanted = spans(milliseconds(filters.begin), milliseconds(filters.end), bucket_ms)
        kept = self._of(filters, bucket_ms)
        with kept.lock:  # concurrent callers wait for the parts read here
            at, over = self._clock(), milliseconds(now) - SETTLED_SECONDS * 1000
            # Asked before reading: later changes are reported the next time.
            slice_ms = bucket_ms // BUCKET_SLICES
            kept.since, changed = self._source.changed(kept.since, over, slice_ms)
            firsts = sorted(changed)
            old = [span for span in wanted if span in kept.parts and not _touched(span, firsts, slice_ms)]
            again = renewed([at - kept.parts[span][0] for span in old], at - kept.read_at, self._source.kept_seconds)
            known = set(old)
            missing = [span for span in wanted if span not in known] + [old[number] for number in sorted(again)]
            found: dict[Span, Part] = {}
            kept.read_at = at
            kept.parts = {span: kept.parts[span] for span in old}
            for span, part in zip(missing, self._source.read(filters, missing), strict=True):
                found[span] = part
                if span[1] <= over:  # kept even if the next part fails: the next try has less to do
                    kept.parts[span] = at, part
            return as_json(filters, [found.get(span) or kept.parts[span][1] for span in wanted], now)

    def _of(self, filters: Filters, bucket_ms: int) -> "_Kept":
        key = (bucket_ms, filters.statuses, filters.reasons, filters.fields)
        with self._lock:
            kept = self._kept.setdefault(key, _Kept())
            self._kept.move_to_end(key)
            while len(self._kept) > _KEPT_FILTERS:
                self._kept.popitem(last=False)
            return kept


def _touched(span: Span, firsts: Sequence[int], length: int) -> bool:
    """Whether the span overlaps a span of this length; `firsts`: the latter's first milliseconds, in order."""
    after = bisect_right(firsts, span[0] - length)
    return after < len(firsts) and firsts[after] < span[1]


class _Kept:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.read_at = 0.0
        self.since: Any = None
        self.parts: dict[Span, tuple[float, Part]] = {}


def as_json(filters: Filters, parts: Sequence[Part], now: datetime) -> dict[str, Any]:
    """from, to, now, bucket_seconds, buckets (dense: first millisecond, good, bad, suspicious), totals by status, and
    tops: the TOP most frequent reasons, and values of each field that is listed, with their counts. Pure."""
    step = filters.bucket_seconds * 1000
    counts: dict[int, list[int]] = {}
    tops: dict[str, Counter[Any]] = {}
    for part in parts:
        for bucket, numbers in part.buckets.items():
            counts[bucket] = [a + b for a, b in zip(counts.get(bucket, (0, 0, 0)), numbers, strict=True)]
        for name, counter in part.tops.items():
            tops.setdefault(name, Counter()).update(counter)
    first = milliseconds(filters.begin) // step * step
    buckets = [[at, *counts.get(at, (0, 0, 0))] for at in range(first, milliseconds(filters.end), step)]
    return {
        "from": text(filters.begin),
        "to": text(filters.end),
        "now": text(now.astimezone(UTC)),
        "bucket_seconds": filters.bucket_seconds,
        "buckets": buckets,
        "totals": dict(zip(STATUSES, map(sum, zip(*(bucket[1:] for bucket in buckets), strict=True)), strict=True)),
        "tops": {name: [list(pair) for pair in counter.most_common(TOP)] for name, counter in tops.items()},
    }
