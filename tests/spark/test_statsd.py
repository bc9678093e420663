"""Spark's own metrics, from driver and executors; and a job that does not mind where they go."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from include.driver import statsd
from include.settings import Settings
from include.stack.machine import programs
from tests.unit.staged.statsd import listening

JOB = """
from jobs import session

spark = session.build("test")
print("counted", spark.range(10).count())
spark.stop()
"""


def run(folder: Path, master: str, address: str) -> str:
    """Runs the job to its end, when Spark sends once more; returns what it printed."""
    (folder / "job.py").write_text(JOB)
    conf = statsd.conf(Settings(metrics_statsd=address), "test") | {"spark.authenticate.secret": "of this test"}
    words = [word for name, value in conf.items() for word in ("--conf", f"{name}={value}")]
    command = [str(Path(sys.executable).parent / "spark-submit"), "--master", master, *words, str(folder / "job.py")]
    variables = {**os.environ, **programs.python(), "SPARK_SCALA_VERSION": "2.13"}
    done = subprocess.run(command, env=variables, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def test_driver_and_executors_send_gauges_under_names_of_their_own(tmp_path: Path) -> None:
    with listening() as heard:
        run(tmp_path, "local-cluster[1,1,1024]", f"127.0.0.1:{heard.port}")
        found = heard.of_spark()
    assert {tuple(name.split(".")[1:3]) for name in found} == {("test", "driver"), ("test", "0")}
    assert int(found["spark.test.0.jvm.heap.used"].removesuffix("|g")) > 0
    wrong = {name: value for name, value in found.items() if value.startswith("-") or not value.endswith("|g")}
    assert not wrong, "StatsD would add up counts since the start, and subtract gauges with a sign"


@pytest.mark.parametrize("address", ["nowhere.invalid:8125", "127.0.0.1:1"])
def test_a_job_runs_whether_or_not_anybody_listens(tmp_path: Path, address: str) -> None:
    assert "counted 10" in run(tmp_path, "local[1]", address)
