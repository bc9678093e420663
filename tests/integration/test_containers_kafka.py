"""Kafka as the compose file configures it: the program of its image makes the configuration, and clients log in."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from include.names import LOGS_TOPIC, STATUS_TOPIC
from include.settings import ROOT, Settings
from include.stack.containers import compose_env
from include.stack.fetch import parts
from include.stack.ports import free_ports
from include.topics import configs
from tests.integration.stack import until
from tests.integration.test_logins import sends

SECONDS = 20


class Broker:
    """A broker on free ports of this machine, with secrets of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.values = {name: make() for name, make in compose_env.SECRETS.items()}
        ports = [*free_ports().values()]
        self.inside, self.controller, self.machine = (f"127.0.0.1:{port}" for port in ports[:3])
        compose_env.write_files(folder / "secrets", self.values)

    def variables(self) -> dict[str, str]:
        """Those of the compose file, with other addresses."""
        text = (ROOT / "docker-compose.airflow.yml").read_text()
        found: dict[str, str] = yaml.safe_load(text)["services"]["kafka"]["environment"]
        values = self.values | {"LOGSIEVE_PORT_KAFKA": self.machine.partition(":")[2]}
        variable = re.compile(r"(?<!\$)\$\{(\w+)[^}]*\}")
        filled = {name: variable.sub(lambda each: values[each[1]], value) for name, value in found.items()}
        secrets = {"$$": "$", "/run/secrets": str(self.folder / "secrets")}
        addresses = {**secrets, "kafka:9092": self.inside, "kafka:9093": self.controller}
        addresses |= {"//:9092": f"//{self.inside}", "//:9093": f"//{self.controller}", "//:19092": f"//{self.machine}"}
        for old, new in addresses.items():
            filled = {name: value.replace(old, new) for name, value in filled.items()}
        return filled | {"KAFKA_LOG_DIRS": str(self.folder / "data")}

    def client(self, user: str, password: str, listener: str) -> dict[str, object]:
        """Options of a client that logs in at a listener."""
        login = {"sasl.mechanism": "SCRAM-SHA-512", "sasl.username": user, "sasl.password": password}
        return {"bootstrap.servers": listener, "security.protocol": "SASL_PLAINTEXT", "log_level": 0, **login}

    def step(self) -> subprocess.CompletedProcess[str]:
        """Runs the step of the container `prepare-kafka`."""
        command = [sys.executable, "-m", "include.stack.containers.steps", "kafka"]
        variables = {"LOGSIEVE_KAFKA_BOOTSTRAP": self.inside, "LOGSIEVE_SECRETS": str(self.folder / "secrets")}
        env = {"PATH": os.environ["PATH"], **variables}
        return subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True)


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    made = Broker(tmp_path_factory.mktemp("kafka"))
    own, ready = made.folder / "own", made.folder / "ready"
    for folder in (own, ready, made.folder / "mounted"):
        folder.mkdir()
    for name in ("server.properties", "log4j2.yaml", "tools-log4j2.yaml"):
        (own / name).touch()
    java = ["java", "-Xmx256m", "-cp", f"{parts.fetch_jars(Settings().parts)}/kafka/*"]
    setup = ["kafka.docker.KafkaDockerWrapper", "setup", "--default-configs-dir", str(own)]
    setup += ["--mounted-configs-dir", str(made.folder / "mounted"), "--final-configs-dir", str(ready)]
    path = {"PATH": os.environ["PATH"]}
    subprocess.run([*java, *setup], env=path | made.variables(), check=True, capture_output=True)
    with (made.folder / "log").open("wb") as log:
        command = [*java, "kafka.Kafka", str(ready / "server.properties")]
        process = subprocess.Popen(command, env=path, cwd=made.folder, stdout=log, stderr=log)
    try:
        done = made.step()
        assert done.returncode == 0, done.stderr + (made.folder / "log").read_text()[-3000:]
        yield made
    finally:
        process.terminate()
        process.wait(30)


def test_the_step_can_be_repeated(broker: Broker) -> None:
    done = broker.step()
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("listener", ["inside", "machine"])
def test_each_user_can_do_what_its_program_does_and_no_more(broker: Broker, listener: str) -> None:
    address = getattr(broker, listener)
    admin = AdminClient(broker.client("logsieve_admin", broker.values["KAFKA_ADMIN_PASSWORD"], address))
    until(lambda: admin.list_topics(timeout=SECONDS).brokers, SECONDS, "the admin is known")
    configs.make(admin, 1)
    sender = broker.client("logsieve_sender", broker.values["KAFKA_SENDER_PASSWORD"], address)
    stream = broker.client("logsieve_stream", broker.values["KAFKA_STREAM_PASSWORD"], address)
    assert (sends(sender, LOGS_TOPIC), sends(stream, STATUS_TOPIC)) == (None, None)
    assert sends(sender, STATUS_TOPIC) is not None
    assert sends(stream, LOGS_TOPIC) is not None


@pytest.mark.parametrize("listener", ["inside", "machine", "controller"])
@pytest.mark.parametrize("security", [{"security.protocol": "PLAINTEXT"}, {"sasl.password": "wrong"}])
def test_nobody_comes_in_without_a_login(broker: Broker, listener: str, security: dict[str, str]) -> None:
    options = broker.client("logsieve_admin", "any", getattr(broker, listener)) | security
    if options["security.protocol"] == "PLAINTEXT":
        options = {name: value for name, value in options.items() if not name.startswith("sasl")}
    with pytest.raises(KafkaException):
        AdminClient(options).list_topics(timeout=3)


def test_the_broker_itself_logs_in_only_inside(broker: Broker) -> None:
    login = {"sasl.mechanism": "PLAIN"}
    options = broker.client("logsieve_broker", broker.values["KAFKA_BROKER_PASSWORD"], broker.machine) | login
    with pytest.raises(KafkaException):
        AdminClient(options).list_topics(timeout=3)
