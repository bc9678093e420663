"""Airflow and Spark send their own metrics to a StatsD server, and Kafka shows its own by JMX, to whoever logs in."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from include.names import DRIVER, LOGS_TOPIC, REJUDGE
from include.stack.fetch import java_compiler
from tests.integration.stack import EPOCH, RECOVERY_SECONDS, Stack, drivers, until, wait_until_it_loads
from tests.unit.staged.statsd import Heard, listening

READ_JMX = Path(__file__).parent / "ReadJmx.java"
MESSAGES_IN = f"kafka.server:type=BrokerTopicMetrics,name=MessagesInPerSec,topic={LOGS_TOPIC}"
HEAP = f"spark.{DRIVER}.driver.jvm.heap.used"


@pytest.fixture(scope="module")
def heard(stack: Stack) -> Iterator[Heard]:
    wait_until_it_loads(stack)
    with listening(stack.statsd) as found:
        yield found


ReadJmx = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def read_jmx(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> ReadJmx:
    """Runs READ_JMX, compiled as our own Java is, without a JDK."""
    folder = tmp_path_factory.mktemp("jmx")
    compiler = java_compiler.find(stack.settings.parts / "jars")
    assert compiler is not None
    assert java_compiler.compile_to(folder, READ_JMX, compiler) == ""

    def run(*what: str) -> subprocess.CompletedProcess[str]:
        command = ["java", "-XX:TieredStopAtLevel=1", "-cp", str(folder), READ_JMX.stem, str(stack.ports["kafka_jmx"])]
        return subprocess.run([*command, *what], capture_output=True, text=True, timeout=60)

    return run


@pytest.fixture(scope="module")
def login(stack: Stack) -> tuple[str, str]:
    file = stack.state / "kafka-jmx-password"
    assert file.stat().st_mode & 0o077 == 0
    return "logsieve_jmx", file.read_text()


def test_airflow_tells_that_its_parts_live(heard: Heard) -> None:
    wanted = {
        "airflow.scheduler_heartbeat",
        "airflow.triggerer_heartbeat",
        "airflow.dag_processor_heartbeat",
        "airflow.pool.open_slots.default_pool",
    }
    until(lambda: wanted <= set(heard.values), RECOVERY_SECONDS, f"Airflow tells {wanted - set(heard.values)}")
    assert heard.values["airflow.scheduler_heartbeat"] == "1|c"


def test_spark_tells_under_the_same_names_after_a_restart(stack: Stack, heard: Heard) -> None:
    until(lambda: HEAP in heard.values, 20, "the driver tells")
    epoch = stack.root_sql(EPOCH)
    for process in drivers(stack):
        process.kill()
    until(lambda: stack.root_sql(EPOCH) > epoch, RECOVERY_SECONDS, "the next driver judges")
    heard.values.clear()
    until(lambda: HEAP in heard.values, RECOVERY_SECONDS, "the next driver tells")
    found = heard.of_spark()
    assert {name.split(".")[1] for name in found} <= {DRIVER, REJUDGE}, "no name has an application's id"
    wrong = {name: value for name, value in found.items() if value.startswith("-") or not value.endswith("|g")}
    assert not wrong, "StatsD would add up counts since the start, and subtract gauges with a sign"


def test_kafka_tells_whoever_logs_in_what_came_in(stack: Stack, read_jmx: ReadJmx, login: tuple[str, str]) -> None:
    def count() -> int:
        done = read_jmx(MESSAGES_IN, "Count", *login)
        assert done.returncode == 0, done.stderr
        return int(done.stdout)

    before = count()
    stack.generate(300)
    assert count() >= before + 300


def test_kafka_tells_nobody_without_the_password_and_obeys_nobody(read_jmx: ReadJmx, login: tuple[str, str]) -> None:
    for stranger in ((), (login[0], "guess")):
        done = read_jmx(MESSAGES_IN, "Count", *stranger)
        assert done.returncode != 0
        assert "java.lang.SecurityException" in done.stderr
    done = read_jmx("java.lang:type=Memory", "invoke:gc", *login)
    assert "Access denied" in done.stderr
