"""The metrics cost a log at most a hundredth of what it costs anyway."""

from bench import counting


def test_counting_a_log_costs_at_most_one_percent() -> None:
    found = counting.measure(20)
    assert 0 < found.share <= 0.01
    assert 0 < found.share_of_document <= 0.01
