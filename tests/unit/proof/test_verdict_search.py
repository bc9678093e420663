"""A log's verdict is found by binary search, wherever corrections are, without reading the whole partition."""

import pytest

from include.proof import verdict_search
from tests.unit.staged.kafka import StagedConsumer


def offsets(found: verdict_search.Found) -> list[int]:
    return [verdict.offset for verdict in found.verdicts]


def test_a_verdict_is_found_in_a_long_partition_with_few_reads() -> None:
    consumer = StagedConsumer([f"0-{number}" for number in range(100_000)])
    assert offsets(verdict_search.find(consumer, 0, 70_001)) == [70_001]
    assert consumer.reads < 3 * verdict_search.AROUND


@pytest.mark.parametrize("first", [0, 1000])
@pytest.mark.parametrize("place", range(0, 11))
def test_corrections_do_not_mislead_the_search(first: int, place: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verdict_search, "AROUND", 1)
    keys = [f"0-{number}" for number in range(20, 30)]
    keys[place:place] = ["!0-21", "!0-3", "!0-28"]
    for wanted in range(20, 30):
        found = verdict_search.find(StagedConsumer(keys, first), 0, wanted)
        assert first + keys.index(f"0-{wanted}") in offsets(found)
        assert found.judged > wanted


def test_a_later_correction_is_found_on_request() -> None:
    keys = [f"0-{number}" for number in range(2000)] + ["!0-5", "!0-6"]
    consumer = StagedConsumer(keys)
    found = verdict_search.find(consumer, 0, 5)
    assert offsets(found) == [5]
    verdict_search.add_corrections(consumer, found, 0, 5)
    assert offsets(found) == [5, 2000]
    assert found.verdicts[-1].rejudged
    assert found.searched_all


def test_the_lag_of_classify_does_not_count_corrections() -> None:
    keys = ["0-0", "0-1", "0-2", "!0-0", "!0-1"]
    found = verdict_search.find(StagedConsumer(keys), 0, 7)
    assert (found.verdicts, found.judged) == ([], 3)
    assert verdict_search.find(StagedConsumer([]), 0, 7).judged == 0


def test_an_incomplete_search_for_corrections_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verdict_search, "FURTHER", 10)
    consumer = StagedConsumer([f"0-{number}" for number in range(2000)] + ["!0-5"])
    found = verdict_search.find(consumer, 0, 5)
    verdict_search.add_corrections(consumer, found, 0, 5)
    assert (offsets(found), found.searched_all) == ([5], False)
