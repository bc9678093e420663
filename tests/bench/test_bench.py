"""A small run of the bench: every contestant gives every log the same verdict, and nothing is left running."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import psutil
import pytest

from bench import contestants
from include.settings import ROOT
from include.stack.environment import STACK_VARIABLE

LOGS = 20_000
STATE = ROOT / ".state-bench"


def bench(*words: str) -> Any:
    command = [str(ROOT / "logsieve"), "bench", *words, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return json.loads(done.stdout)


def living() -> list[str]:
    """Command lines of the running processes of the bench's stack."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(STACK_VARIABLE) == str(STATE):
                found.append(" ".join(process.cmdline())[:200])
        except psutil.Error:
            continue
    return found


@pytest.mark.timeout(600)
def test_all_contestants_give_the_same_verdicts_and_nothing_is_left_running(tmp_path: Path) -> None:
    # Without `realtime`, which `indexed` and the latency test cover: each driver takes long to start.
    names = [each.name for each in contestants.ALL if each is not contestants.REALTIME]
    only = [word for name in names for word in ("--only", name)]
    found = bench("--logs", str(LOGS), "--rounds", "1", "--chart", str(tmp_path / "chart.png"), *only)
    assert sum(found["made"].values()) == LOGS
    assert min(found["made"].values()) > 0.03 * LOGS
    assert {run["contestant"] for run in found["runs"]} == set(names)
    rows = {json.dumps(run["found"]["rows"]) for run in found["runs"] if "rows" in run["found"]}
    assert len(rows) == 1, "all contestants' tables are identical to the byte"
    for run in found["runs"]:
        for hop, counts in run["found"].items():
            assert {status: count[0] for status, count in counts.items()} == found["made"], (run["contestant"], hop)
    assert found["wrong"] == []
    assert set(found["ratios"]) == {"baseline", "hand_written", "copy_limit", "bulk_limit"}
    assert all(found["ratios_whole_run"].values())
    assert all(of["cpu_seconds_a_million"]["application"] > 0 for of in found["contestants"].values())
    assert (tmp_path / "chart.png").stat().st_size > 1000
    assert living() == []
    assert not STATE.exists()


@pytest.mark.timeout(300)
def test_latency_at_a_constant_rate() -> None:
    words = ("--rate", "200", "--seconds", "10", "--warm-up", "3", "--trigger", "realtime")
    (held,) = bench("latency", *words)["held"]
    assert held["logs"] == 2000
    assert 0 <= held["to_status"]["p50"] <= held["to_mysql"]["p50"], "a row follows its verdict"
    assert held["to_status"]["longest"] < 60_000
    assert all(0 < share < 200 for share in held["cpu"].values())
    assert all(memory > 100 for _, memory, _ in held["sizes"]), "MiB of the application"
    assert living() == []
    assert not STATE.exists()


@pytest.mark.timeout(600)
def test_growth_compares_one_machine_with_a_cluster() -> None:
    words = ("--engine", "spark", "--logs", str(LOGS), "--partitions", "2", "--executors", "2")
    here, there = bench("growth", *words)["grown"]
    assert (here["executors"], there["executors"]) == (0, 2)
    for grown in (here, there):
        assert sum(count for (count,) in grown["run"]["found"]["documents"].values()) == LOGS
        assert all(spent > 0 for spent in grown["run"]["cpu"].values())
    assert there["run"]["found"] == here["run"]["found"], "the tables are identical to the byte"
    assert living() == []
    assert not STATE.exists()


def test_an_unknown_contestant_is_named_with_the_known_ones() -> None:
    command = [str(ROOT / "logsieve"), "bench", "--only", "nobody"]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "COLUMNS": "200"})
    assert done.returncode == 1
    assert "nobody" in done.stderr
    assert "hand_written" in done.stderr


@pytest.mark.timeout(300)
def test_every_range_of_the_page_is_measured() -> None:
    costs = bench("page", "--documents", "5000", "--refreshes", "3")["costs"]
    assert [cost["range"] for cost in costs] == ["hour", "day", "week"]
    assert all(0 < cost["median"] <= cost["longest"] for cost in costs)
    assert living() == []
    assert not STATE.exists()
