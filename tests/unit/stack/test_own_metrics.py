"""One setting makes Airflow send its own metrics and Kafka show its own; by default neither does."""

import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from include.settings import Settings
from include.stack import engines
from include.stack.environment import SECRETS, Environment
from include.stack.ports import Ports
from include.stack.run import doctor
from include.stack.servers import kafka_config
from include.stack.servers.programs import Homes, servers

NO_ADDRESS = (
    socket.gaierror(socket.EAI_NONAME, "Name or service not known"),
    UnicodeError("label empty or too long"),
)
"""What Python raises for a name that nobody knows, and for one that cannot be a name."""


@pytest.fixture
def planned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Environment]:
    """Makes the environment of a stack by the setting, started by another user than root."""
    monkeypatch.setattr("os.geteuid", lambda: 54321)
    passwords = {name: f"of {name}" for name in (*SECRETS, "airflow_fernet")}
    return lambda statsd: Environment(Settings(state=tmp_path, metrics_statsd=statsd), Ports(), passwords)


def of_airflow(env: Environment) -> dict[str, str]:
    return {name: value for name, value in env.variables().items() if name.startswith("AIRFLOW__METRICS__")}


def of_kafka(env: Environment) -> list[str]:
    (kafka,) = [server for server in servers(env, Homes()) if server.name == "kafka"]
    return [word for word in kafka.command if "jmx" in word or "rmi" in word]


def test_by_default_nothing_is_told(planned: Callable[[str], Environment]) -> None:
    env = planned("")
    kafka_config.prepare_jmx(env)
    assert (of_airflow(env), of_kafka(env)) == ({}, [])
    assert "kafka_jmx" not in engines.ports_used("local", env.settings, env.ports)
    assert list(env.state.iterdir()) == []
    assert not doctor.own_metrics(env).remedy


def test_airflow_sends_to_the_address_so_that_no_task_waits_for_a_name_server(
    planned: Callable[[str], Environment],
) -> None:
    env = planned("localhost:8125")
    assert of_airflow(env) == {
        "AIRFLOW__METRICS__STATSD_ON": "True",
        "AIRFLOW__METRICS__STATSD_HOST": "127.0.0.1",
        "AIRFLOW__METRICS__STATSD_PORT": "8125",
    }
    # So does Spark, whose tasks in Airflow have the setting from there.
    assert env.variables()["LOGSIEVE_METRICS_STATSD"] == "127.0.0.1:8125"


def nobody_knows(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def look_up(*_: object) -> None:
        raise error

    monkeypatch.setattr(socket, "getaddrinfo", look_up)


@pytest.mark.parametrize("error", NO_ADDRESS)
def test_a_name_without_an_address_is_refused_by_up_and_stops_nothing_else(
    planned: Callable[[str], Environment], monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    nobody_knows(monkeypatch, error)
    env = planned("statsd.example.org:8125")
    found = doctor.own_metrics(env)
    assert "statsd.example.org" in found.found
    assert "LOGSIEVE_METRICS_STATSD" in found.remedy
    assert doctor.own_metrics in doctor.CHECKS
    assert of_airflow(env)["AIRFLOW__METRICS__STATSD_HOST"] == "statsd.example.org"


def test_a_name_server_that_does_not_answer_stops_nothing(
    planned: Callable[[str], Environment], monkeypatch: pytest.MonkeyPatch
) -> None:
    nobody_knows(monkeypatch, socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution"))
    env = planned("statsd.example.org:8125")
    assert not doctor.own_metrics(env).remedy
    assert of_airflow(env)["AIRFLOW__METRICS__STATSD_HOST"] == "statsd.example.org"


def test_kafka_asks_for_a_password_that_only_its_owner_can_read(planned: Callable[[str], Environment]) -> None:
    env = planned("localhost:8125")
    (env.state / "kafka").mkdir()
    for _ in range(2):  # each `up` writes them anew
        kafka_config.prepare_jmx(env)
    options = dict(word.removeprefix("-D").split("=", 1) for word in of_kafka(env))
    # Java's own `jmxremote.port` would also open a port on all addresses.
    (agent,) = [word for word in of_kafka(env) if word.startswith("-javaagent:")]
    assert agent == f"-javaagent:{env.state / 'kafka' / 'jmx.jar'}={env.ports.kafka_jmx}"
    assert "com.sun.management.jmxremote.port" not in options
    java = "com.sun.management.jmxremote"
    assert options[f"{java}.authenticate"] == "true"
    assert {options[f"{java}.host"], options["java.rmi.server.hostname"]} == {"127.0.0.1"}
    assert options[f"{java}.rmi.port"] == str(env.ports.kafka_jmx)
    assert "kafka_jmx" in engines.ports_used("local", env.settings, env.ports)
    passwords = Path(options[f"{java}.password.file"])
    assert passwords.read_text() == "logsieve_jmx of kafka_jmx\n"
    assert Path(options[f"{java}.access.file"]).read_text() == "logsieve_jmx readonly\n"
    shown = env.state / "kafka-jmx-password"
    assert shown.read_text() == "of kafka_jmx"
    assert (passwords.stat().st_mode | shown.stat().st_mode) & 0o077 == 0
    assert "of kafka_jmx" not in " ".join(of_kafka(env))
