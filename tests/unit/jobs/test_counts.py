"""What load counts of its rows, and how totals add up."""

from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest

from include.watch.totals import BOUNDS_MS, Totals, together
from jobs.loading import counts
from jobs.loading.verdicts import NotAVerdictError

AT = int(datetime(2026, 11, 23, 1, 2, 3, tzinfo=UTC).timestamp() * 1000)


def rows(*waits_ms: int, status: str = "good", reasons: tuple[str, ...] = (), received: str | None = None) -> pa.Table:
    """Logs received at AT, whose verdicts were sent so much later."""
    return pa.table(
        {
            "status": [status] * len(waits_ms),
            "reasons": pa.array([list(reasons)] * len(waits_ms), pa.list_(pa.string())),
            "received_at": [received or "2026-11-23T01:02:03.000Z"] * len(waits_ms),
            counts.SENT_AT: pa.array([AT + wait for wait in waits_ms], pa.int64()),
        }
    )


def of_bucket(bound: int) -> int:
    return BOUNDS_MS.index(bound)


def test_a_log_counts_once_by_status_and_once_for_each_reason() -> None:
    found = counts.of(rows(1, 1, status="bad", reasons=("null_device", "empty_event_id")), AT, limit=9)
    assert (found.statuses, found.reasons) == ({"bad": 2}, {"null_device": 2, "empty_event_id": 2})


def test_delays_are_in_the_bucket_of_their_upper_bound() -> None:
    found = counts.of(rows(0, 5, 6, 3_600_001), AT + 1_000, limit=9)
    status = found.status_delays.buckets
    assert [status[0], status[of_bucket(5)], status[of_bucket(10)], status[-1]] == [1, 1, 1, 1]
    assert found.status_delays.sum_ms == 3_600_012
    assert (found.row_delays.buckets[of_bucket(1_000)], found.row_delays.sum_ms) == (4, 4_000)


def test_a_clock_that_is_behind_makes_no_delay_below_zero() -> None:
    found = counts.of(rows(-7), AT - 500, limit=9)
    assert found.status_delays.buckets[0] == found.row_delays.buckets[0] == 1
    assert found.status_delays.sum_ms == found.row_delays.sum_ms == 0


def test_a_received_at_that_is_no_time_is_no_verdict() -> None:
    with pytest.raises(NotAVerdictError):
        counts.of(rows(1, received="yesterday"), AT, limit=9)


@pytest.mark.parametrize(
    ("logs", "before", "runs", "left"),
    [
        ("bbb", 0, 1, 3),
        ("bb", 0, 0, 2),
        ("b", 2, 1, 3),  # it began in the batch before
        ("b", 3, 0, 4),  # it was counted there
        ("gbbbgbbbb", 1, 2, 4),
        ("gg", 5, 0, 0),
        ("bbgbb", 0, 0, 2),
        ("", 2, 0, 2),
    ],
)
def test_runs_of_bad_logs_are_counted_once_across_batches(logs: str, before: int, runs: int, left: int) -> None:
    bad = np.array([each == "b" for each in logs], bool)
    assert counts.runs_of(bad, before, 3) == (runs, left)


def test_totals_are_the_same_after_a_trip_through_the_table() -> None:
    found = counts.of(rows(3, 40, status="bad", reasons=("null_device",)), AT + 70, limit=2)
    found.foreign, found.replaced = 2, 1
    again = together([Totals.of(found.text), Totals.of(None), Totals.of(found.text)])
    assert (again.statuses, again.reasons) == ({"bad": 4}, {"null_device": 4})
    assert (again.foreign, again.replaced, again.bad_runs) == (4, 2, 2)
    assert again.status_delays.sum_ms == 86
    assert sum(again.row_delays.buckets) == 4


def test_delays_sorted_by_other_bounds_are_left_out() -> None:
    assert Totals.of('{"statuses": {"good": 1}, "row_delays": {"buckets": [1, 2], "sum_ms": 3}}') == Totals.of(
        '{"statuses": {"good": 1}}'
    )
