"""The measurement of a contestant's processes, none of which may outlive its run."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from threading import BrokenBarrierError

import psutil
import pytest

from bench import latency, measure, watchers
from bench.contestants import REALTIME, Contestant
from bench.latency import _boundaries
from include.settings import Settings
from include.stack.environment import SECRETS, Account, Environment
from include.stack.ports import Ports

STUBBORN = """
import signal, subprocess, sys, time

if sys.argv[1:] == ["burn"]:
    begin = time.process_time()
    while time.process_time() - begin < 0.5:
        pass
elif sys.argv[1:] == ["stay"]:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    open("deaf", "w").close()
    time.sleep(600)
else:
    subprocess.run([sys.executable, __file__, "burn"])
    subprocess.Popen([sys.executable, __file__, "stay"])
    time.sleep(600)
"""


class OfTest(Environment):
    """Its programs find the test's module."""

    def whole(self, account: Account = "stream") -> dict[str, str]:
        return {**super().whole(account), "PYTHONPATH": str(self.state)}


@pytest.fixture
def env(tmp_path: Path) -> Environment:
    (tmp_path / "logs").mkdir()
    passwords = dict.fromkeys((*SECRETS, "airflow_fernet"), "x")
    return OfTest(Settings(state=tmp_path), Ports(), passwords)


def until(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_exited_children_count_too_and_none_outlives_the_run(
    env: Environment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "stubborn.py").write_text(STUBBORN)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(measure, "END_SECONDS", 1)
    with measure.started(env, Contestant("stubborn", "stubborn", ("stubborn",), frozenset(), ())) as process:
        root = psutil.Process(process.pid)
        until((tmp_path / "deaf").exists)
        assert measure._cpu(root) >= 0.5, "the child that used it has exited, and was reaped"
        family = [root, *root.children(recursive=True)]
        assert len(family) == 2
    assert not any(each.is_running() and each.status() != psutil.STATUS_ZOMBIE for each in family)


def test_logsieve_is_submitted_as_by_airflow(env: Environment) -> None:
    words = REALTIME.command(env)
    assert words[0].endswith("spark-submit")
    assert words[words.index("--master") + 1] == "local[3]"
    assert words[-5].endswith("jobs/stream_logs.py")
    assert words[-4:] == ["--trigger", "realtime", "--owner", "bench"]
    assert any(word.startswith("spark.driver.extraJavaOptions=-Xss8m") for word in words)


def test_batch_boundaries_are_when_classify_committed(env: Environment, tmp_path: Path) -> None:
    commits = env.settings.checkpoints / "3-0" / "classify" / "commits"
    commits.mkdir(parents=True)
    for name in ("0", "1", ".1.crc", "2"):
        (commits / name).write_text("")
    for name, at in (("0", 50.0), ("1", 101.5), (".1.crc", 102), ("2", 131.0)):
        os.utime(commits / name, (at, at))
    assert _boundaries(env.settings, 100.0, 130.0) == [1.5]


def test_times_of_messages_are_read_to_the_millisecond() -> None:
    found = watchers._microseconds(bytearray(b"1970-01-01T00:00:00.0001970-01-01T00:00:01.250"))
    assert found.tolist() == [0, 1_250_000]
    assert watchers._microseconds(bytearray()).tolist() == []


def meet() -> None:
    """The call of each of the three processes once it is connected."""
    latency._kept["ready"]()


def test_a_constant_rate_begins_only_when_its_measurement_is_ready_too() -> None:
    """Otherwise idle seconds, while the processes start, would count in its CPU share."""
    with latency._processes() as (start, ready, _):
        met = [start(meet) for _ in range(3)]
        until(lambda: ready.n_waiting == 3)
        assert not any(future.done() for future in met)
        ready.wait()
        assert [future.result() for future in met] == [None] * 3


def test_a_process_that_is_stopped_before_the_rate_begins_exits_at_once() -> None:
    with latency._processes() as (start, ready, _):
        alone = start(meet)
        until(lambda: ready.n_waiting == 1)
        asked = time.monotonic()
    assert time.monotonic() - asked < latency.START_SECONDS / 4
    with pytest.raises(BrokenBarrierError):
        alone.result()
