"""Ranges of origins: each is announced once, whatever happens between two events."""

import random
from datetime import datetime

import pytest

from include.announcing.ranges import MOST_RANGES, NOWHERE, Corrected, Position, Range, merged, new

TOPICS = "logs/status"


def test_the_first_event_begins_with_what_has_not_expired():
    assert new({}, {0: 10, 1: 7, 2: 0}, {1: 5}) == [Range(0, 0, 9), Range(1, 5, 6)]


def test_the_next_event_continues_where_the_last_one_ended():
    assert new({0: 10, 1: 7}, {0: 12, 1: 7}, {0: 11}) == [Range(0, 10, 11)], "expired logs were loaded too"


def test_a_kafka_partition_that_is_new_begins_at_its_first_log():
    assert new({0: 10}, {0: 10, 5: 3}, {}) == [Range(5, 0, 2)]


def test_progress_that_was_set_back_announces_nothing_again():
    announced = Position(TOPICS, {0: 10})
    assert new(announced.of(TOPICS), {0: 4}, {}) == []
    assert announced.moved_to(TOPICS, {0: 4}) == announced


def test_recreated_topics_begin_again():
    announced = Position(TOPICS, {0: 10, 1: 3})
    assert new(announced.of("other/status"), {0: 4}, {}) == [Range(0, 0, 3)]
    assert announced.moved_to("other/status", {0: 4}) == Position("other/status", {0: 4})


def test_a_position_survives_json_and_partitions_that_are_idle():
    position = NOWHERE.moved_to(TOPICS, {0: 10, 11: 7}).moved_to(TOPICS, {0: 12})
    assert position == Position(TOPICS, {0: 12, 11: 7})
    assert position.to_extra()["next_offsets"] == {"0": 12, "11": 7}
    assert Position.from_extra({"kind": "rows", **position.to_extra()}) == position


@pytest.mark.parametrize("seed", range(20))
def test_events_tile_the_offsets_whichever_tries_are_killed(seed: int):
    rng, ends = random.Random(seed), {0: 0, 1: 0}
    position, announced = NOWHERE, list[Range]()
    for _ in range(50):
        ends = {number: end + rng.choice([0, 0, 1, 500]) for number, end in ends.items()}
        found = new(position.of(TOPICS), ends, {})
        if rng.random() < 0.5:  # it was killed: neither its event nor its position exist
            continue
        announced, position = announced + found, position.moved_to(TOPICS, ends)
    announced += new(position.of(TOPICS), ends, {})
    for number, end in ends.items():
        ranges = [each for each in announced if each.partition == number]
        covered = [offset for each in ranges for offset in range(each.first_offset, each.last_offset + 1)]
        assert covered == list(range(end))


def corrected(partition: int, first: int, last: int, logs: int, cause: str | None = "replay") -> Corrected:
    return Corrected(partition, first, last, logs, cause, datetime(2026, 12, 1, 0, 0, first), datetime(2026, 12, 2))


def test_corrections_that_touch_are_one_range():
    found = [corrected(0, 8, 9, 2), corrected(1, 3, 3, 1), corrected(0, 1, 5, 3), corrected(0, 4, 7, 1)]
    assert merged(found) == [corrected(0, 1, 9, 6), corrected(1, 3, 3, 1)]


def test_a_range_within_another_does_not_shorten_it():
    assert merged([corrected(0, 1, 9, 2), corrected(0, 3, 4, 1), corrected(0, 6, 12, 1)]) == [corrected(0, 1, 12, 4)]


def test_causes_stay_apart():
    found = [corrected(0, 1, 9, 2), corrected(0, 3, 4, 1, "stream"), corrected(0, 5, 6, 1, None)]
    assert merged(found) == [found[2], found[0], found[1]]


def test_a_range_spans_the_times_that_are_known():
    early, late = datetime(2026, 12, 1), datetime(2026, 12, 2)
    old, new = Corrected(0, 1, 2, 1, None, None, None), Corrected(0, 3, 4, 1, None, early, late)
    assert merged([old, new]) == [Corrected(0, 1, 4, 2, None, early, late)]
    assert merged([old, old]) == [Corrected(0, 1, 2, 2, None, None, None)]


def test_an_event_of_corrections_stays_small():
    at = datetime(2026, 12, 1)
    scattered = [Corrected(0, 10 * number, 10 * number, 1, "replay", at, at) for number in range(MOST_RANGES + 1)]
    assert merged(scattered) == [Corrected(0, 0, 10 * MOST_RANGES, MOST_RANGES + 1, "replay", at, at)]
    assert len(merged(scattered[:-1])) == MOST_RANGES
