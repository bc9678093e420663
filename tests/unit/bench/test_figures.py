"""The bench's figures: ratios, percentiles, and whether all contestants gave the same verdicts."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench import charts, delays, report, summary
from bench.contestants import ALL, BASELINE, BULK, CONSUME, COPY, HAND_WRITTEN, INDEXED, INDEXER, INTERVAL, REALTIME
from bench.measure import Run
from bench.run import order

MADE = {"good": 90, "bad": 5, "suspicious": 5}
ROWS = {"good": [90, 11], "bad": [5, 12], "suspicious": [5, 13]}


def run(contestant: Any, number: int, seconds: float, warm_seconds: float, **more: Any) -> Run:
    values = {
        "logs": 100, "seconds": seconds, "warm_logs": 70, "warm_seconds": warm_seconds, "first_seconds": 1.0,
        "cpu": {"application": seconds, "kafka": 1.0}, "warm_cpu": {"application": 0.0007, "kafka": 0.1},
        "peak_bytes": 3 * 2**20, "found": {"rows": ROWS},
    }  # fmt: skip
    return Run(contestant.name, number, **(values | more))


def rounds() -> list[Run]:
    """Three rounds: the machine is half as fast in the second, and the third has an outlier."""
    runs = []
    for number, slower in enumerate((1, 2, 1)):
        runs += [
            run(REALTIME, number, 10 * slower, 7 * slower),
            run(INTERVAL, number, 10 * slower, 5 * slower),
            run(HAND_WRITTEN, number, 8 * slower, 6 * slower),
            run(BASELINE, number, 60 * slower, (50 if number == 2 else 35) * slower),
            run(COPY, number, 4 * slower, 2.5 * slower),
        ]
    return runs


def test_ratios_compare_runs_of_a_round_warm_and_with_the_faster_trigger():
    found = summary.summarise(rounds(), MADE)
    assert found.best_trigger == INTERVAL.name
    assert found.ratios == {"baseline": 7.0, "hand_written": 1.2, "copy_limit": 0.5, "bulk_limit": None}
    assert found.ratios_whole_run == {"baseline": 6.0, "hand_written": 0.8, "copy_limit": 0.4, "bulk_limit": None}


def test_an_endless_backlog_is_the_part_in_which_every_hop_has_work():
    runs = [run(REALTIME, 0, 10, 7, busy_logs=30, busy_seconds=3.0), run(COPY, 0, 4, 2.5, busy_logs=80, busy_seconds=4)]
    found = summary.summarise([*runs, run(HAND_WRITTEN, 0, 8, 6)], MADE)
    assert found.contestants[REALTIME.name].busy_logs_a_second == 10
    assert found.ratios_busy["copy_limit"] == 0.5
    assert found.ratios_busy["hand_written"] is None  # all its logs were done at once


def test_the_indexer_is_compared_with_the_bulk_helper():
    found = summary.summarise([run(INDEXER, 0, 10, 7, found={}), run(BULK, 0, 9, 7.7, found={})], MADE)
    assert (found.ratios["bulk_limit"], found.ratios_whole_run["bulk_limit"]) == (1.1, 0.9)


def test_figures_are_medians():
    found = summary.summarise(rounds(), MADE).contestants[HAND_WRITTEN.name]
    assert (found.logs_a_second, found.warm_logs_a_second) == (12, 12)
    assert found.cpu_seconds_a_million == {"application": 80_000, "kafka": 10_000}
    assert found.warm_microseconds_a_log == 10.0
    assert found.peak_mib == 3


def test_if_documents_count_the_warm_part_has_no_cost_as_the_application_is_far_ahead():
    found = summary.summarise([run(INDEXED, 0, 10, 7, found={})], MADE).contestants[INDEXED.name]
    assert (found.warm_logs_a_second, found.warm_microseconds_a_log) == (10, None)


def test_logs_that_were_done_at_once_have_no_warm_figure():
    runs = [run(each, 0, 10, 0.0, warm_logs=0) for each in (REALTIME, BASELINE)]
    found = summary.summarise(runs, MADE)
    assert found.contestants[REALTIME.name].warm_logs_a_second is None
    assert found.ratios["baseline"] is None
    assert found.ratios_whole_run["baseline"] == 1.0
    assert "-" in report.markdown(found)


def test_a_contestant_that_did_not_run_has_no_ratio():
    found = summary.summarise([run(REALTIME, 0, 10, 7)], MADE)
    assert set(found.ratios.values()) == {None}
    only_limit = summary.summarise([run(CONSUME, 0, 1, 1, found={})], MADE)
    assert only_limit.best_trigger is None
    assert set(only_limit.ratios.values()) == {None}


@pytest.mark.parametrize(
    ("found", "wrong"),
    [
        ({"rows": ROWS}, 0),
        ({"rows": ROWS | {"good": [89, 11]}}, 2),
        ({"rows": ROWS | {"good": [90, 14]}}, 1),
        ({"rows": ROWS, "messages": {"good": [90], "bad": [6], "suspicious": [4]}}, 1),
    ],
)
def test_every_wrong_count_and_every_differing_row_is_reported(found: Any, wrong: int):
    runs = [run(REALTIME, 0, 10, 7), run(HAND_WRITTEN, 0, 10, 7, found=found)]
    assert len(summary.summarise(runs, MADE).wrong) == wrong


def test_each_contestant_is_the_first_in_some_round():
    firsts = [order(ALL, number)[0] for number in range(len(ALL))]
    assert set(firsts) == set(ALL)
    assert all(set(order(ALL, number)) == set(ALL) for number in range(9))


def test_percentiles_are_delays_of_actual_logs():
    sent = np.zeros(1000, np.int64)
    delay = np.arange(1, 1001) * 1000
    found = delays.summarise(np.column_stack([sent, delay]))
    assert (found.p50, found.p99, found.p999, found.longest) == (501.0, 991.0, 1000.0, 1000.0)
    assert found.course == [(0, 501.0, 991.0, 1000.0)]


def test_a_log_is_visible_with_the_first_progress_that_reaches_it():
    verdicts = {0: np.array([[1000, 1500], [2000, 2500], [3000, 3500]]), 1: np.array([[1000, 9000]])}
    rows = {0: np.array([[9, 500], [11, 5000], [12, 7000]]), 1: np.array([[4, 8000]])}
    found = delays.of_rows(verdicts, rows, {0: 10, 1: 4})
    assert found.tolist() == [[1000, 4000], [2000, 3000], [3000, 4000], [1000, 7000]]
    assert delays.of_verdicts(verdicts).tolist() == [[1000, 500], [2000, 500], [3000, 500], [1000, 8000]]


def test_a_log_that_never_becomes_visible_is_an_error():
    with pytest.raises(ValueError, match="partition 0"):
        delays.of_rows({0: np.array([[1, 2], [1, 2]])}, {0: np.array([[0, 5]])}, {0: 0})


def test_charts_are_pictures(tmp_path: Path):
    charts.throughput(summary.summarise(rounds(), MADE), tmp_path / "a.png")
    some = delays.Delays(1, 2, 3, 4, [(0, 1.0, 2.0, 3.0), (1, 1.0, 2.0, 3.0)])
    cpu = {"application": 12.3, "kafka": 4.0, "mysql": 5.0, "elasticsearch": 0.6}
    held = [
        delays.Held(name, rate, 10, rate, some, some, [0.5], cpu, [(0, 900, 1), (15, 1100, 2)])
        for name in ("realtime", "interval")
        for rate in (1, 2)
    ]
    assert report.load_lines(held)[0] == ["realtime", "1", "12.3", "4.0", "5.0", "0.6", "1,100", "2"]
    charts.latency(held, tmp_path / "b.png")
    assert all((tmp_path / name).read_bytes().startswith(b"\x89PNG") for name in ("a.png", "b.png"))
