"""Slices are cut ahead of the logs, never through rows, and stay within MySQL's limit."""

from bisect import bisect_right
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.names import TABLES
from include.retention import slices
from include.retention.expiry import marks
from tests.unit.staged.tables import BrokenOffError, StagedTables

DAY = 5_000_000


def widths(ends: list[int]) -> list[int]:
    return [end - begin for begin, end in pairwise(ends)]


def test_the_first_slices_are_a_day_wide_and_later_ones_grow():
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


def test_slices_follow_the_number_of_logs_per_day():
    ends = slices.cut([], 0, DAY)
    assert widths(slices.cut(ends, 10, 40 * DAY))[0] == 40 * DAY
    assert slices.cut(ends, 10, 40 * DAY)[0] == DAY
    assert widths(slices.cut(ends, 10, DAY // 4))[0] == DAY // 4


def test_a_rest_with_logs_is_cut_after_them():
    assert slices.cut([DAY], 7 * DAY, DAY)[:2] == [DAY, 8 * DAY]


@given(st.lists(st.integers(1, 300), max_size=30, unique=True).map(sorted), st.integers(0, 400), st.integers(1, 50))
def test_slices_with_rows_are_never_cut_and_there_is_always_room(ends, loaded, width):
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
def test_slices_stay_within_the_limit_of_mysql(partitions, days):
    per_day = 30_000_000
    kept = (days or slices.FOR_EVER) * per_day / slices.width(per_day, partitions, days)
    assert partitions * (kept + slices.NEAR + slices.FAR + 2) <= slices.MOST + 1


def test_days_with_few_logs_share_a_slice():
    assert slices.width(10, 2, 30) == slices.LEAST_LOGS
    assert slices.width(DAY, 2, 30) == DAY


def test_only_differing_slices_are_cut_again():
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


def a_day(tables: StagedTables, logs: int, changes: int | None = None) -> bool:
    """Loads `logs` logs, then runs; the run is killed after `changes` changes. Returns whether it completed."""
    tables.loaded, tables.per_day, tables.changes_left = tables.loaded + logs, logs, changes
    try:
        slices.make(tables, 1, 30)
    except BrokenOffError:
        return False
    return True


def ends(tables: StagedTables) -> list[dict[int, list[int]]]:
    return [slices.read(tables, table) or {} for table in TABLES.values()]


def expiring(tables: StagedTables) -> int:
    """Returns the offset up to which logs expire if all loaded ones are old."""
    return marks({0: tables.loaded}, ends(tables)).get(0, 0)


@pytest.mark.parametrize("changes", [1, 2])
def test_logs_still_expire_after_a_run_that_was_killed_between_two_tables(changes):
    tables = StagedTables()
    a_day(tables, DAY)
    while a_day(tables, DAY, changes):
        pass
    for day in range(30):
        assert a_day(tables, DAY + 7_001 * day)
    assert tables.loaded - expiring(tables) <= 2 * DAY


@pytest.mark.parametrize("logs", [10, DAY])
def test_logs_expire_if_several_runs_cut_the_tables(logs):
    tables = StagedTables()
    for day in range(2):
        assert not a_day(tables, logs + day, changes=1)
    assert a_day(tables, logs)
    tables.loaded += 2 * max(logs, slices.LEAST_LOGS)
    assert expiring(tables) >= slices.LEAST_LOGS


LOGS = st.integers(0, 60 * DAY)


@given(st.lists(st.tuples(LOGS, st.none() | st.integers(0, 2)), max_size=15), LOGS)
def test_after_a_complete_run_all_tables_have_the_same_slices_ahead(days, logs):
    tables = StagedTables()
    for more, changes in days:
        a_day(tables, more, changes)
    had = [found.get(0, []) for found in ends(tables)]
    assert a_day(tables, logs)
    now = [found[0] for found in ends(tables)]
    for before, after in zip(had, now, strict=True):
        kept = [end for end in before if end <= tables.loaded]
        assert after[: len(kept)] == kept
    being_filled = max(end for found in now for end in found[: bisect_right(found, tables.loaded) + 1])
    first, *others = [found[bisect_right(found, being_filled) :] for found in now]
    assert others == [first, first]
    a_day(tables, being_filled - tables.loaded)
    tables.loaded = ends(tables)[0][0][-1]
    assert expiring(tables) == tables.loaded, "even if no slice followed it"


def test_only_whole_slices_that_all_three_tables_have_expire():
    tables = [{0: [10, 20, 30], 1: [10]}, {0: [10, 25, 30], 1: [10]}, {0: [10, 20, 25, 30], 1: [10]}]
    assert marks({0: 29, 1: 9, 2: 50}, tables) == {0: 10}
    assert marks({0: 30, 1: 10}, tables) == {0: 30, 1: 10}
