"""Slices are cut ahead of the logs, never through what has rows, and few enough for MySQL."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include import slices
from include.expiry import marks

DAY = 5_000_000


def widths(ends: list[int]) -> list[int]:
    return [end - begin for begin, end in pairwise(ends)]


def test_the_first_slices_are_a_day_wide_and_the_last_ones_ever_wider():
    ends = slices.cut([], 0, DAY)
    assert ends[: slices.NEAR] == [DAY * (day + 1) for day in range(slices.NEAR)]
    assert widths(ends[slices.NEAR - 1 :]) == [2 * DAY, 4 * DAY, 8 * DAY, 16 * DAY, 32 * DAY]


def test_nothing_changes_while_some_days_are_ahead():
    ends = slices.cut([], 0, DAY)
    assert slices.cut(ends, 4 * DAY, DAY) == ends
    again = slices.cut(ends, 5 * DAY, DAY)
    assert again != ends
    assert again[:6] == ends[:6], "the slice that is being filled ends where it ended"
    assert set(widths(again[: 5 + slices.NEAR])) == {DAY}


def test_more_logs_a_day_make_wider_slices_and_fewer_make_narrower_ones():
    ends = slices.cut([], 0, DAY)
    assert widths(slices.cut(ends, 10, 40 * DAY))[0] == 40 * DAY
    assert slices.cut(ends, 10, 40 * DAY)[0] == DAY
    assert widths(slices.cut(ends, 10, DAY // 4))[0] == DAY // 4


def test_a_rest_that_has_logs_is_cut_behind_them():
    assert slices.cut([DAY], 7 * DAY, DAY)[:2] == [DAY, 8 * DAY]


@given(st.lists(st.integers(1, 300), max_size=30, unique=True).map(sorted), st.integers(0, 400), st.integers(1, 50))
def test_what_has_rows_is_never_cut_and_there_is_always_room(ends, loaded, width):
    new = slices.cut(ends, loaded, width)
    assert new == sorted(set(new))
    filled = [end for end in ends if end <= loaded]
    assert new[: len(filled)] == filled
    if len(filled) < len(ends):
        assert new[len(filled)] == ends[len(filled)]
    assert new[-1] >= loaded + slices.NEAR * width
    assert slices.cut(new, loaded, width) == new, "a second run changes nothing"


@pytest.mark.parametrize("partitions", [1, 2, 16, 256])
@pytest.mark.parametrize("days", [1, 30, 365, 3650, 0])
def test_there_are_never_more_slices_than_mysql_takes(partitions, days):
    per_day = 30_000_000
    kept = (days or slices.FOR_EVER) * per_day / slices.width(per_day, partitions, days)
    assert partitions * (kept + slices.NEAR + slices.FAR + 2) <= slices.MOST + 1


def test_few_logs_a_day_share_a_slice():
    assert slices.width(10, 2, 30) == slices.LEAST_LOGS
    assert slices.width(DAY, 2, 30) == DAY


def test_only_what_differs_is_cut_anew():
    found = {0: [10, 20], 1: [10, 20]}
    assert list(slices.changes(found, {0: [10, 20], 1: [10, 20]})) == []
    assert list(slices.changes(found, {0: [10, 30, 40], 1: [10, 20, 30], 2: [5]})) == [
        "REORGANIZE PARTITION p0_20, p0_rest INTO (PARTITION p0_30 VALUES LESS THAN (0, 30),"
        " PARTITION p0_40 VALUES LESS THAN (0, 40), PARTITION p0_rest VALUES LESS THAN (0, MAXVALUE))",
        "REORGANIZE PARTITION p1_rest INTO (PARTITION p1_30 VALUES LESS THAN (1, 30),"
        " PARTITION p1_rest VALUES LESS THAN (1, MAXVALUE))",
        "REORGANIZE PARTITION rest INTO (PARTITION p2_5 VALUES LESS THAN (2, 5),"
        " PARTITION p2_rest VALUES LESS THAN (2, MAXVALUE), PARTITION rest VALUES LESS THAN (MAXVALUE, MAXVALUE))",
    ]
    assert list(slices.changes({0: [10, 20, 30]}, {0: [10, 20]})) == [
        "REORGANIZE PARTITION p0_30, p0_rest INTO (PARTITION p0_rest VALUES LESS THAN (0, MAXVALUE))"
    ]


def test_logs_expire_by_whole_slices_that_all_three_tables_have():
    tables = [{0: [10, 20, 30], 1: [10]}, {0: [10, 25, 30], 1: [10]}, {0: [10, 20, 25, 30], 1: [10]}]
    assert marks({0: 29, 1: 9, 2: 50}, tables) == {0: 10}
    assert marks({0: 30, 1: 10}, tables) == {0: 30, 1: 10}
