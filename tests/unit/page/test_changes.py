"""Which changes to documents a refresh of the page looks for: none is missed, however rarely it is refreshed."""

from include.page.counts_search import SEEN_SECONDS, UNSEEN, Changes, bounds

NUMBERS = {"a": [100_000], "b": [7, 90_000]}


def test_after_the_first_reading_only_the_newest_changes_are_looked_at_again() -> None:
    noted, grown = bounds(None, 0, NUMBERS)
    assert grown == {}
    _, grown = bounds(noted, 1, NUMBERS)
    assert grown == {"a": 100_000 - UNSEEN, "b": 7 - UNSEEN}


def settled() -> Changes:
    noted = None
    for at in (0, SEEN_SECONDS + 1, 3 * SEEN_SECONDS):
        noted, _ = bounds(noted, at, NUMBERS)
    assert noted
    return noted


def test_an_index_without_changes_is_not_searched_and_one_with_changes_from_its_least_advanced_shard() -> None:
    noted = settled()
    assert bounds(noted, 40, NUMBERS)[1] == {}
    assert bounds(noted, 40, {**NUMBERS, "b": [7, 90_001], "new": [3]})[1] == {"b": 7, "new": -1}


def test_a_change_that_was_not_visible_at_the_last_refresh_is_looked_at_in_the_next_one_whenever_that_is() -> None:
    changed = {**NUMBERS, "a": [100_001]}
    noted, grown = bounds(settled(), 40, changed)
    assert grown == {"a": 100_000}
    for at in (40.5, 4000):
        assert bounds(noted, at, changed)[1] == {"a": 100_000}
    noted, _ = bounds(noted, 4000, changed)
    assert bounds(noted, 4001, changed)[1] == {}, "it was visible by then"
