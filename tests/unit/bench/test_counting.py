"""The metrics cost a log at most a hundredth of what it costs anyway."""

from bench import counting


def test_counting_a_log_costs_at_most_one_percent() -> None:
    assert 0 < counting.measure(20).share <= 0.01
