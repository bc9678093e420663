"""A summary is put together from parts; what is over is kept for a while, and read again bit by bit."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from include.names import STATUSES
from include.page.counts import (
    BUCKET_SLICES,
    PART_BUCKETS,
    SETTLED_SECONDS,
    Part,
    Span,
    Summaries,
    TakesLongError,
    renewed,
    spans,
)
from include.page.filters import Filters, milliseconds

NOW = datetime(2026, 11, 25, 12, 0, 7, tzinfo=UTC)


class Source:
    """A log each second, or less often, good, bad, suspicious in turn; remembers what was read."""

    kept_seconds = 60.0

    def __init__(self) -> None:
        self.asked: list[Span] = []
        self.tells: set[int] = set()
        """What has changed, for the next question."""
        self.every = 1
        self.fails_after: int | None = None
        self.more = 0
        """Logs that a correction makes of each second's one."""

    def read(self, filters: Filters, wanted: Sequence[Span]) -> Iterator[Part]:
        for number, (begin, end) in enumerate(wanted):
            if number == self.fails_after:
                raise TakesLongError("The source")
            self.asked.append((begin, end))
            part = Part(tops={"reasons": Counter({"not_json": 2}), "location_country": Counter({"FR": 1})})
            step = filters.bucket_seconds * 1000
            for second in range(-(-begin // 1000), -(-end // 1000), self.every):
                bucket = part.buckets.setdefault(second * 1000 // step * step, [0, 0, 0])
                bucket[second % 3] += 1 + self.more
            yield part

    def changed(self, since: int | None, before: int, length: int) -> tuple[int | None, set[int]]:
        told, self.tells = self.tells, set()
        return 1, told


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
def clock() -> Clock:
    return Clock()


def last(**length: float) -> Filters:
    return Filters(NOW - timedelta(**length), NOW)


def seconds(read: Sequence[Span]) -> float:
    return sum(end - begin for begin, end in read) / 1000


@pytest.mark.parametrize(
    ("begin", "end"), [(0, 1), (7, 2_250_000), (150_000, 300_000), (149_999, 150_001), (1, 3_600_001)]
)
def test_the_spans_are_the_range_cut_at_whole_multiples(begin: int, end: int) -> None:
    found = spans(begin, end, 10_000)
    assert (found[0][0], found[-1][1]) == (begin, end)
    assert all(a[1] == b[0] for a, b in pairwise(found))
    assert all(b < e for b, e in found)
    lengths = (10_000 * PART_BUCKETS, 10_000, 10_000 // BUCKET_SLICES)
    whole = {length: [b for b, e in found if e - b == length and b % length == 0] for length in lengths}
    assert len(found) - sum(map(len, whole.values())) <= 2, "the first and the last one"
    assert len(whole[lengths[1]]) < 2 * PART_BUCKETS
    assert len(whole[lengths[2]]) < 2 * BUCKET_SLICES


@pytest.mark.parametrize(
    ("length", "bucket"),
    [({"seconds": 1}, 1), ({"hours": 1}, 10), ({"days": 1}, 300), ({"days": 7}, 1800), ({"days": 31}, 10_800)],
)
def test_buckets_are_few_and_dense(source: Source, length: dict[str, float], bucket: int) -> None:
    source.every = 3600
    found = Summaries(source).summary(last(**length), NOW)
    assert found["bucket_seconds"] == bucket
    assert len(found["buckets"]) <= 375
    starts = [at for at, *_ in found["buckets"]]
    assert starts == list(range(starts[0], milliseconds(NOW), bucket * 1000))
    assert starts[0] <= milliseconds(NOW - timedelta(**length)) < starts[0] + bucket * 1000


def test_totals_are_of_the_range_exactly(source: Source) -> None:
    found = Summaries(source).summary(last(minutes=60), NOW)
    assert found["totals"] == dict.fromkeys(STATUSES, 1200)
    assert {s: sum(b[n + 1] for b in found["buckets"]) for n, s in enumerate(STATUSES)} == found["totals"]
    assert found["tops"]["reasons"] == [["not_json", 2 * len(source.asked)]]
    assert found["tops"].keys() == {"reasons", "location_country"}, "nobody asked for others"


def test_a_refresh_reads_the_edges_and_little_else(source: Source, clock: Clock) -> None:
    summaries = Summaries(source, clock)
    summaries.summary(last(hours=1), NOW)
    assert seconds(source.asked) == 3600
    read = []
    for number in range(1, 30):
        source.asked.clear()
        clock.now += 2
        now = NOW + timedelta(seconds=2 * number)
        summaries.summary(Filters(now - timedelta(hours=1), now), now)
        read.append(seconds(source.asked))
    assert max(read) < 6 * 60, "of 3600"
    assert sorted(read)[15] < 4 * 60, "three old parts and two edges"


def test_a_correction_is_seen_within_a_minute(source: Source, clock: Clock) -> None:
    summaries, fixed = Summaries(source, clock), Filters(NOW - timedelta(hours=2), NOW - timedelta(hours=1))
    assert summaries.summary(fixed, NOW)["totals"]["good"] == 1200
    source.more = 1
    source.asked.clear()
    clock.now += 2
    assert summaries.summary(fixed, NOW)["totals"]["good"] == 1200, "kept"
    assert source.asked == []
    for _ in range(30):
        clock.now += 2
        found = summaries.summary(fixed, NOW)
    assert found["totals"]["good"] == 2400


def test_a_part_of_which_the_source_tells_a_change_is_read_at_once(source: Source) -> None:
    summaries, fixed = Summaries(source), Filters(NOW - timedelta(hours=2), NOW - timedelta(hours=1))
    summaries.summary(fixed, NOW)
    source.more, source.asked = 1, []
    length = fixed.bucket_seconds * 1000 * PART_BUCKETS
    begin = milliseconds(fixed.begin)
    fifth = begin // length * length + 5 * length
    one = fixed.bucket_seconds * 1000 // BUCKET_SLICES
    source.tells = {begin // one * one, fifth + 7 * one, 0}
    assert summaries.summary(fixed, NOW)["totals"]["good"] > 1200
    assert source.asked == [(begin, begin // one * one + one), (fifth, fifth + length)], "the first begins within its"
    source.asked = []
    source.tells = {fifth - one}
    summaries.summary(fixed, NOW)
    assert source.asked == [(fifth - length, fifth)], "the last slice of another part"
    source.fails_after, source.tells = 0, {fifth}
    with pytest.raises(TakesLongError):
        summaries.summary(fixed, NOW)
    source.fails_after = None
    source.asked = []
    summaries.summary(fixed, NOW)
    assert source.asked == [(fifth, fifth + length)], "what could not be read is read the next time"


def test_what_is_not_over_is_read_at_each_refresh(source: Source) -> None:
    summaries = Summaries(source)
    summaries.summary(last(hours=1), NOW)
    source.more, source.asked = 1, []
    assert summaries.summary(last(hours=1), NOW)["totals"]["good"] > 1200, "late logs"
    assert all(end > milliseconds(NOW) - SETTLED_SECONDS * 1000 for _, end in source.asked)


def test_other_filters_are_other_counts(source: Source) -> None:
    summaries, fixed = Summaries(source), Filters(NOW - timedelta(hours=2), NOW - timedelta(hours=1))
    summaries.summary(fixed, NOW)
    read = len(source.asked)
    summaries.summary(fixed.of_status("bad"), NOW)
    assert len(source.asked) == 2 * read


def test_what_was_counted_before_it_took_too_long_is_kept(source: Source) -> None:
    summaries, fixed = Summaries(source), Filters(NOW - timedelta(hours=2), NOW - timedelta(hours=1))
    source.fails_after = 10
    with pytest.raises(TakesLongError):
        summaries.summary(fixed, NOW)
    source.fails_after = None
    assert summaries.summary(fixed, NOW)["totals"]["good"] == 1200
    assert len(source.asked) == len(set(source.asked)), "nothing twice"


def test_kept_parts_are_renewed_the_oldest_first_and_not_all_at_once() -> None:
    assert renewed([], 2, 60) == set()
    assert renewed([5.0] * 24, 2, 60) == set(), "young"
    assert renewed([20.0] * 23 + [30.0], 2, 60) == {23}
    assert renewed([61.0] * 24, 2, 60) == set(range(24)), "too old"
