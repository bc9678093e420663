"""The containers, as their operator sees them, and known logs that are sent through them."""

import base64
import contextlib
import json
import os
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pymysql
from kafka import KafkaConsumer, TopicPartition
from pydantic import SecretStr

from include.names import GENERATE_DAG, INDEXER_GROUP, LOGS_TOPIC, STATUS_TOPIC, STATUSES, TABLES
from include.settings import ROOT, Settings
from include.stack.airflow.api import AirflowApi
from include.stack.containers import compose_env
from include.stack.containers.steps import Airflow
from include.stack.own_servers import OwnServers
from include.stack.ports import free_ports
from include.stack.run import status
from include.stack.run.status import CLIENT_ERRORS
from include.topics import hops
from tests.containers.engine import Engine

PROJECT: Final = "logsieve-test"
IMAGE: Final = "logsieve-airflow"
TAG: Final = "test"
"""Not the version, which the user's own containers may run."""
ONCE: Final = {"prepare-airflow", "prepare-kafka", "prepare-mysql", "prepare-search", "bootstrap"}
LASTING: Final = (
    "airflow-api-server", "airflow-dag-processor", "airflow-scheduler", "airflow-triggerer", "elasticsearch",
    "indexer", "kafka", "mysql", "postgres",
)  # fmt: skip
"""The containers whose program can be killed."""
RECOVERY_SECONDS: Final = 300
"""How long the slowest may take to come back: the driver, after a scheduler that was killed."""
UP_SECONDS: Final = 900
_COPIED: Final = (
    "Dockerfile", ".dockerignore", "docker-compose.airflow.yml", "requirements.txt", "requirements-image.txt",
    "contract.toml", "dags", "plugins", "include", "jobs", "logsieve",
)  # fmt: skip


def until(condition: Callable[[], Any], seconds: float, what: str) -> Any:
    """Waits until the condition is true and returns its value; servers may be away meanwhile."""
    deadline = time.monotonic() + seconds
    while True:
        with contextlib.suppress(*CLIENT_ERRORS, OSError, pymysql.Error, subprocess.CalledProcessError):
            if found := condition():
                return found
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.5)


class System:
    """A copy of the checkout, in which the commands of docs/containers.md are run.

    `built`: what each image of others is, as images.ensure returned it.
    """

    def __init__(self, engine: Engine, folder: Path, built: dict[str, str]) -> None:
        self.engine, self.folder, self.built = engine, folder, built
        self.tag, self.has_small_volumes = TAG, False
        for name in _COPIED:
            source = ROOT / name
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(source, folder / name, ignore=ignored) if source.is_dir() else shutil.copy(source, folder)
        ports = free_ports()
        chosen = {"AIRFLOW": ports["airflow"], "KAFKA": ports["kafka"], "KIBANA": ports["mysql"]}
        variables = {f"LOGSIEVE_PORT_{name}": str(port) for name, port in chosen.items()}
        self.compose_env(LOGSIEVE_PROFILES="indexer", **variables)
        (folder / ".env.settings").write_text("LOGSIEVE_RATE=20\n")

    def compose_env(self, **variables: str) -> None:
        """Runs `./logsieve compose-env`."""
        command = [str(self.folder / "logsieve"), "compose-env"]
        subprocess.run(command, env={**os.environ, **variables}, check=True, capture_output=True)

    @property
    def values(self) -> dict[str, str]:
        """The variables of .env.compose."""
        return compose_env.read(self.folder / ".env.compose")

    def compose(
        self, *words: str, check: bool = True, env_file: str = ".env.compose"
    ) -> subprocess.CompletedProcess[str]:
        """Runs Compose as the docs say, in the tests' project; fails with its output."""
        command = [*self.engine.compose, "-f", "docker-compose.airflow.yml", "--env-file", env_file]
        done = subprocess.run(
            [*command, "--project-name", PROJECT, *words],
            env={**self.engine.variables, "LOGSIEVE_TAG": self.tag},
            cwd=self.folder, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=UP_SECONDS,
        )  # fmt: skip
        assert not check or done.returncode == 0, f"{words}: {done.stdout[-2000:]}{done.stderr[-6000:]}"
        return done

    def up(self) -> None:
        """Starts what does not run, waits until everything is healthy, and stops the generator: from then on, all logs
        are those that the tests send."""
        self.compose("up", "--detach", "--wait")
        api = AirflowApi(self.airflow)
        run = until(lambda: api.last_run(GENERATE_DAG), 60, "the generator has been started")
        api.end_run(GENERATE_DAG, run["dag_run_id"])

        def ended() -> bool:
            before = self.ends()
            time.sleep(3)  # a generator that runs sends more
            return before == self.ends()

        until(ended, 120, "the generator has stopped")

    def wait_until_healthy(self) -> None:
        """Waits until every container is."""
        until(lambda: {self.health(each) for each in LASTING} == {"healthy"}, RECOVERY_SECONDS, "all are healthy")
        until(self.drained, RECOVERY_SECONDS, "every hop has every log")

    def logsieve(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Runs a command of ours in its container."""
        return self.compose("exec", "-T", "commands", "logsieve", *words, check=check)

    def inside(self, service: str, script: str) -> str:
        """Runs a shell's script in a container, as its user."""
        return self.engine.docker("exec", f"{PROJECT}-{service}-1", "bash", "-c", script)

    def inspect(self, service: str) -> dict[str, Any]:
        """What the engine knows of a container."""
        return json.loads(self.engine.docker("inspect", f"{PROJECT}-{service}-1"))[0]  # type: ignore[no-any-return]

    def health(self, service: str) -> str:
        """`healthy`, or another word of the engine."""
        state = self.inspect(service)["State"]
        return str(state.get("Health", {}).get("Status", state["Status"]))

    def crash(self, service: str) -> None:
        """Kills a container's program, as a lack of memory does: below its init."""
        with contextlib.suppress(subprocess.CalledProcessError):  # the shell may end with its container
            self.inside(service, "kill -9 $(cat /proc/1/task/1/children)")

    def address(self, service: str) -> str:
        """Its address in the network `inside`, which this machine reaches too. It changes when it is made anew."""
        return str(self.inspect(service)["NetworkSettings"]["Networks"][f"{PROJECT}_inside"]["IPAddress"])

    @property
    def servers(self) -> OwnServers:
        """The servers as an administrator of this machine reaches them."""
        values = self.values
        return OwnServers(
            Settings(
                state=self.folder / "state",
                kafka_bootstrap=f"127.0.0.1:{values['LOGSIEVE_PORT_KAFKA']}",
                kafka_security="SASL_PLAINTEXT",
                kafka_user="logsieve_admin",
                kafka_password=SecretStr(values["KAFKA_ADMIN_PASSWORD"]),
                mysql_host=self.address("mysql"),
                mysql_stream_password=SecretStr(values["MYSQL_STREAM_PASSWORD"]),
                mysql_reader_password=SecretStr(values["MYSQL_READER_PASSWORD"]),
                elasticsearch_url=f"http://{self.address('elasticsearch')}:9200",
                elasticsearch_user="logsieve_admin",
                elasticsearch_password=SecretStr(values["ELASTICSEARCH_ADMIN_PASSWORD"]),
            )
        )

    @property
    def airflow(self) -> Airflow:
        """Airflow at its published port."""
        values = self.values
        passwords = {f"airflow_{user}": values[f"AIRFLOW_{user.upper()}_PASSWORD"] for user in ("admin", "viewer")}
        return Airflow(f"http://127.0.0.1:{values['LOGSIEVE_PORT_AIRFLOW']}", passwords)

    @property
    def env(self) -> Airflow:
        """Where a visitor of the page finds it."""
        return self.airflow

    @property
    def passwords(self) -> dict[str, str]:
        """The passwords of the page's users."""
        return self.airflow.passwords

    def ends(self) -> dict[int, int]:
        """The end of each partition of `server-logs`."""
        with self.servers.outside.looking(INDEXER_GROUP) as consumer:
            return hops.topic_ends(consumer, LOGS_TOPIC)

    def drained(self) -> bool:
        """Whether every hop has every log."""
        lag = status.read_hops(self.servers).lag
        return {name: lag.get(name) for name in ("classify", "load", "index")} == dict.fromkeys(lag, 0)

    def counts(self) -> dict[str, int]:
        """What each hop holds, counted by clients that the application does not use."""
        values = self.values
        kafka = KafkaConsumer(
            bootstrap_servers=f"127.0.0.1:{values['LOGSIEVE_PORT_KAFKA']}", security_protocol="SASL_PLAINTEXT",
            sasl_mechanism="SCRAM-SHA-512", sasl_plain_username="logsieve_admin",
            sasl_plain_password=values["KAFKA_ADMIN_PASSWORD"],
        )  # fmt: skip
        with contextlib.closing(kafka):
            places = {topic: [TopicPartition(topic, each) for each in kafka.partitions_for_topic(topic)]
                      for topic in (LOGS_TOPIC, STATUS_TOPIC)}  # fmt: skip
            found = {topic: sum(kafka.end_offsets(each).values()) for topic, each in places.items()}
        for each in STATUSES:
            ((found[each],),) = self.root_sql(f"SELECT COUNT(*) FROM logs.{TABLES[each]}")
        self.search("_refresh", method="POST")
        return found | {"documents": self.search("_count")["count"]}

    def root_sql(self, sql: str) -> list[tuple[Any, ...]]:
        """Runs a statement in MySQL as root."""
        login = {"user": "root", "password": self.values["MYSQL_ROOT_PASSWORD"], "host": self.address("mysql")}
        with pymysql.connect(**login, autocommit=True) as connection, connection.cursor() as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall())

    def search(self, what: str, method: str = "GET") -> dict[str, Any]:
        """A request about the index, by plain HTTP."""
        login = f"logsieve_admin:{self.values['ELASTICSEARCH_ADMIN_PASSWORD']}"
        request = urllib.request.Request(
            f"http://{self.address('elasticsearch')}:9200/server-logs/{what}",
            headers={"Authorization": "Basic " + base64.b64encode(login.encode()).decode()}, method=method,
        )  # fmt: skip
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)  # type: ignore[no-any-return]
