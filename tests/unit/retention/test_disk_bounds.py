"""The disk limit is divided so that all hops together stay within it, and no more logs expire than necessary."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.names import LOGS_TOPIC, STATUS_TOPIC
from include.retention import slices, topic_bounds
from include.retention.disk_bounds import GIB, divide, topic_settings
from include.retention.fitting import cut_at, fits_from

MIB = 2**20


@pytest.mark.parametrize("nothing", [None, 0])
def test_without_a_limit_no_hop_has_one(nothing):
    assert divide(nothing) is None


@given(st.floats(1, 100_000), st.integers(1, 16))
def test_all_hops_stay_within_the_limit_with_their_overhead(gib, partitions):
    bounds = divide(gib)
    assert bounds
    assert bounds.logs_topic + bounds.status_topic + bounds.tables + bounds.documents <= gib * GIB
    for size in (bounds.logs_topic, bounds.status_topic):
        settings = topic_settings(size, partitions)
        kept, segment = int(settings["retention.bytes"]), int(settings["segment.bytes"])
        assert partitions * (kept + segment) <= size, "the newest segment comes on top of what Kafka keeps"
        assert segment <= kept


def test_topics_keep_more_logs_than_the_tables_so_that_each_row_has_its_verdict():
    bounds = divide(20)
    assert bounds
    rows = min(bounds.tables / slices.ROW_BYTES, bounds.documents / 201)
    # At a low rate, where each message is sent alone: what a log and a verdict take then (docs/operations.md#the-disk).
    assert bounds.logs_topic / 239 > rows
    assert bounds.status_topic / 304 > rows


def test_a_missing_topic_gets_no_settings():
    bounds = divide(8)
    assert bounds
    assert set(topic_bounds.wanted(bounds, {LOGS_TOPIC: 2, "another": 1})) == {LOGS_TOPIC}
    assert set(topic_bounds.wanted(bounds, {LOGS_TOPIC: 2, STATUS_TOPIC: 2})) == {LOGS_TOPIC, STATUS_TOPIC}


def test_slices_are_a_small_part_of_the_limit_and_unchanged_without_one():
    tables = 4 * GIB
    width = slices.width(8_640_000, 2, 30, tables)
    assert width * slices.ROW_BYTES * slices.PARTS <= tables / 2
    assert slices.width(8_640_000, 2, 30) == 8_640_000
    assert slices.width(10, 2, 30, 10_000 * GIB) == slices.LEAST_LOGS, "a high limit makes no slice wider"
    assert slices.width(8_640_000, 2, 30, MIB) == slices.LEAST_NARROW


@pytest.mark.parametrize("partitions", [1, 2, 16, 256])
@pytest.mark.parametrize("gib", [1, 20, 10_000])
def test_slices_stay_within_the_limit_of_mysql_even_if_rows_are_half_as_large(partitions, gib):
    bounds = divide(gib)
    assert bounds
    width = slices.width(30_000_000, partitions, 30, bounds.tables)
    kept = bounds.tables / partitions / (slices.ROW_BYTES / 2) / width
    assert partitions * (kept + slices.NEAR + slices.FAR + 2) <= slices.MOST + partitions


def test_the_oldest_slices_expire_until_the_others_fit():
    sizes = {100: 50, 200: 50, 300: 50, 400: 50, 500: 1, 600: 1}
    assert fits_from(sizes, 350, 1000) == 0, "all fit"
    assert fits_from(sizes, 350, 150) == 100
    assert fits_from(sizes, 350, 100) == 200
    assert fits_from(sizes, 350, 10) == 400, "not even the slice being filled"
    assert fits_from({}, 350, 10) == 0


def test_slices_ahead_of_the_logs_do_not_count():
    assert fits_from({100: 50, 200: 50, 300: 900}, 150, 100) == 0


def test_logs_expire_up_to_a_shared_end_but_never_in_the_slice_being_filled():
    shared = [100, 200, 300, 400]
    assert cut_at(shared, 150, 350) == 200, "none before 150 is left"
    assert cut_at(shared, 200, 350) == 200
    assert cut_at(shared, 400, 350) == 300, "all whole slices"
    assert cut_at(shared, 0, 350) == 0
    assert cut_at(shared, -5, 350) == 0, "fewer documents than fit"
    assert cut_at([400], 150, 350) == 0


@given(
    st.lists(st.tuples(st.integers(1, 50), st.integers(0, 100)), min_size=1, max_size=20),
    st.integers(0, 1000),
    st.integers(0, 500),
)
def test_as_many_slices_as_fit_are_kept(parts, loaded, size):
    ends, sizes, end = [], {}, 0
    for width, bytes_ in parts:
        end += width
        ends.append(end)
        sizes[end] = bytes_
    loaded = min(loaded, end - 1)
    before = cut_at(ends, fits_from(sizes, loaded, size), loaded)
    filled = [each for begin, each in pairwise([0, *ends]) if begin < loaded]
    kept = [sizes[each] for each in filled if each > before]
    assert sum(kept[:-1]) <= size, "except the slice being filled"
    if before:
        assert sum(sizes[each] for each in filled if each >= before) > size
