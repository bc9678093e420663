"""Counts of logs over time: put together from parts of the range, of which those that are over are kept."""

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
"""Buckets of a part."""
BUCKET_SLICES: Final = 5
"""Slices of a bucket."""
SETTLED_SECONDS: Final = 15
"""A part whose end lies this far back is over."""
TOP: Final = 10
_KEPT_FILTERS: Final = 12
"""So many filters are kept, those used last: some MB each."""

Span = tuple[int, int]
"""From the first millisecond up to the second, without it."""


@dataclass
class Part:
    """What one span holds."""

    buckets: dict[int, list[int]] = field(default_factory=dict)
    """Logs by status, in the order of STATUSES, by the bucket's first millisecond."""
    tops: dict[str, Counter[Any]] = field(default_factory=dict)
    """Logs by reason, country, device, account, most first; empty where it was not asked."""


class TakesLongError(Exception):
    """The server, named, has not counted all parts in time; those that came are kept, so that the next try goes on."""


class Source(Protocol):
    """Where logs are counted."""

    kept_seconds: float
    """How long a part that is over is believed: then it is read again, for corrections and for late logs."""

    def read(self, filters: Filters, spans: Sequence[Span]) -> Iterable[Part]:
        """Reads the spans in order, each as one part; the filters' own range does not count."""

    def changed(self, since: int | None, before: int, length: int) -> tuple[int | None, set[int]]:
        """What to ask with the next time, and the first milliseconds of the spans of this length that have changed.

        `since`: None at first; spans that begin `before` then count. Nothing, from a source that cannot tell.
        """


def spans(begin: int, end: int, bucket_ms: int) -> list[Span]:
    """The range in parts that begin at whole multiples of their length; at its edges in buckets, and in slices. Pure.

    So what has to be counted anew at each refresh, as the range moves on, is a slice at either end.
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
    """Which kept parts to read again, by their ages in seconds: those too old, and of the others the oldest few. Pure.

    So that all are read again within `kept_seconds`, but never all at once.
    """
    few = min(math.ceil(len(ages) * since_last / (0.8 * kept_seconds)), len(ages))
    oldest = sorted(range(len(ages)), key=lambda number: -ages[number])[:few]
    return {number for number in oldest if ages[number] > kept_seconds / 4} | {
        number for number, age in enumerate(ages) if age >= kept_seconds
    }


class Summaries:
    """Reads summaries from one source, and keeps their parts; may be used by several threads."""

    def __init__(self, source: Source, clock: Callable[[], float] = time.monotonic) -> None:
        self._source, self._clock = source, clock
        self._lock = threading.Lock()
        self._kept: OrderedDict[Any, _Kept] = OrderedDict()

    def summary(self, filters: Filters, now: datetime) -> dict[str, Any]:
        """See `as_json`. Raises what the source raises."""
        bucket_ms = filters.bucket_seconds * 1000
        wanted = spans(milliseconds(filters.begin), milliseconds(filters.end), bucket_ms)
        kept = self._of(filters, bucket_ms)
        with kept.lock:  # who comes meanwhile finds what was read
            at, over = self._clock(), milliseconds(now) - SETTLED_SECONDS * 1000
            # Asked before anything is read: what changes meanwhile is told the next time.
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
                if span[1] <= over:  # kept even if the next one cannot be read: then there is less to do the next time
                    kept.parts[span] = at, part
            return as_json(filters, [found.get(span) or kept.parts[span][1] for span in wanted], now)

    def _of(self, filters: Filters, bucket_ms: int) -> "_Kept":
        key = (bucket_ms, filters.statuses, filters.reasons, filters.countries, filters.devices, filters.accounts)
        with self._lock:
            kept = self._kept.setdefault(key, _Kept())
            self._kept.move_to_end(key)
            while len(self._kept) > _KEPT_FILTERS:
                self._kept.popitem(last=False)
            return kept


def _touched(span: Span, firsts: Sequence[int], length: int) -> bool:
    """Whether one of the spans of this length, told by their first milliseconds in order, has a part in it."""
    behind = bisect_right(firsts, span[0] - length)
    return behind < len(firsts) and firsts[behind] < span[1]


class _Kept:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.read_at = 0.0
        self.since: int | None = None
        self.parts: dict[Span, tuple[float, Part]] = {}


def as_json(filters: Filters, parts: Sequence[Part], now: datetime) -> dict[str, Any]:
    """from, to, now, bucket_seconds, buckets (dense: first millisecond, good, bad, suspicious), totals by status, and
    the largest TOP reasons, countries, devices, accounts, with their logs. Pure."""
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
        **{
            name: [list(pair) for pair in tops[name].most_common(TOP)] if name in tops else None
            for name in ("reasons", "countries", "devices", "accounts")
        },
    }
