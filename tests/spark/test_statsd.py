"""Spark's own metrics, from driver and executors; and a job that does not mind where they go."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from include.driver import statsd
from include.settings import Settings
from include.stack.machine import programs
from tests.integration.stack import until
from tests.unit.staged.statsd import listening

JOB = """
from jobs import session

spark = session.build("test")
print("counted", spark.range(10).count())
{}
spark.stop()
"""
UNTIL_SPARK_ENDS = "import sys; sys.stdin.read()"
HEAPS = {"spark.test.driver.jvm.heap.used", "spark.test.0.jvm.heap.used"}
"""Of the driver and of the first executor."""


@contextmanager
def job(folder: Path, master: str, address: str, then: str = "") -> Iterator["subprocess.Popen[str]"]:
    """Runs a job that counts, and `then` does more."""
    (folder / "job.py").write_text(JOB.format(then))
    conf = statsd.conf(Settings(metrics_statsd=address), "test") | {"spark.authenticate.secret": "of this test"}
    words = [word for name, value in conf.items() for word in ("--conf", f"{name}={value}")]
    command = [str(Path(sys.executable).parent / "spark-submit"), "--master", master, *words, str(folder / "job.py")]
    variables = {**os.environ, **programs.python(), "SPARK_SCALA_VERSION": "2.13"}
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, env=variables, text=True, **pipes) as process:
        try:
            yield process
        finally:
            process.terminate()


def test_driver_and_executors_send_gauges_under_names_of_their_own(tmp_path: Path) -> None:
    where = "local-cluster[1,1,1024]"
    with listening() as heard, job(tmp_path, where, f"127.0.0.1:{heard.port}", UNTIL_SPARK_ENDS):
        until(lambda: heard.values.keys() >= HEAPS, 60, "both tell")
        found = heard.of_spark()
    assert {tuple(name.split(".")[1:3]) for name in found} == {("test", "driver"), ("test", "0")}
    assert all(int(found[name].removesuffix("|g")) > 0 for name in HEAPS)
    wrong = {name: value for name, value in found.items() if value.startswith("-") or not value.endswith("|g")}
    assert not wrong, "StatsD would add up counts since the start, and subtract gauges with a sign"


@pytest.mark.parametrize("address", ["nowhere.invalid:8125", "127.0.0.1:1"])
def test_a_job_runs_whether_or_not_anybody_listens(tmp_path: Path, address: str) -> None:
    with job(tmp_path, "local[1]", address) as process:
        printed, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    assert "counted 10" in printed
