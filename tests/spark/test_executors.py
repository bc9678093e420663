"""load on executors in processes of their own: Spark starts them on this machine, as a cluster would elsewhere."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from include.driver.submit import submit_conf
from include.names import DRIVER
from include.settings import Settings
from include.stack.fetch import judge_jar
from include.stack.machine import programs
from include.stack.ports import free_ports
from tests.unit.staged.mock_kafka import MockKafka

MASTER = "local-cluster[2,3,1024]"
JOB = """
import threading
from include.clients.outside import Outside
from include.settings import Settings
from include.watch import mysql_trouble
from jobs import session
from jobs.database import Database
from jobs.driver import slots
from jobs.driver.holding import Lease
from jobs.judging import classify, judge
from jobs.loading import places
from jobs.loading.loop import Loop

settings = Settings()
spark = session.build("test", slots.conf(settings, session.master(), 1, "realtime"))
judge.register(spark, settings)
slots.wait(spark)
place = places.of(spark, Outside(settings), Database.of(settings))
print("place", type(place).__name__)
print("settled", classify.settle(spark), session.slots_elsewhere(spark))
loop = Loop(0, 0, None, Lease("test", 1), 10, 1024, "group")
try:
    place.run(loop, threading.Event(), lambda: None)
except Exception as error:
    print("error", type(error).__module__, mysql_trouble.of(error))
spark.stop()
"""


@pytest.fixture
def kafka() -> Iterator[MockKafka]:
    with closing(MockKafka(DRIVER)) as kafka:
        kafka.send(0, [b"{}"])
        yield kafka


def test_an_error_of_a_server_reaches_the_driver_as_itself(kafka: MockKafka, tmp_path: Path) -> None:
    """The executor's Python has the shipped packages and settings only. Its MySQL does not answer."""
    settings = Settings(
        state=tmp_path / "früh & spät (1)", kafka_bootstrap=kafka.address, mysql_port=free_ports()["mysql"], executors=2
    )
    judge_jar.ensure(settings)
    conf = submit_conf(settings, master=MASTER) | {"spark.authenticate.secret": "of this test"}
    (settings.scratch / DRIVER).mkdir(parents=True)
    (settings.state / "logs").mkdir()
    (tmp_path / "job.py").write_text(JOB)
    words = [word for name, value in conf.items() for word in ("--conf", f"{name}={value}")]
    variables = {name: value for name, value in {**os.environ, **programs.python()}.items() if name != "PYTHONPATH"}
    named = {name: str(getattr(settings, name)) for name in ("state", "parts", "kafka_bootstrap", "mysql_port")}
    done = subprocess.run(
        [str(Path(sys.executable).parent / "spark-submit"), "--master", MASTER, *words, str(tmp_path / "job.py")],
        env=variables
        | {f"LOGSIEVE_{name.upper()}": value for name, value in named.items()}
        | {"SPARK_SCALA_VERSION": "2.13"},
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert "place OnExecutors" in done.stdout, done.stderr[-3000:]
    assert "settled True 4" in done.stdout
    error = next((line for line in done.stdout.splitlines() if line.startswith("error")), done.stderr[-3000:])
    assert error.startswith("error mysql.connector.errors"), error
    assert "MySQL" in error, "and the driver knows what to do"
