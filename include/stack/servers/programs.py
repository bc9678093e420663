"""The programs of the embedded stack: command, health probe and memory limit of each."""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from include.stack.environment import Environment
from include.stack.machine import programs
from include.stack.servers import configs, other_user, probes

MIB = 2**20


@dataclass(frozen=True)
class Server:
    """A supervised program. `memory`: limit in bytes, including children, above which it is restarted."""

    name: str
    command: list[str]
    probe: Callable[[Environment], str | None]
    """Returns None if the server is healthy, else the problem."""
    memory: int
    directory: Path
    variables: dict[str, str] = field(default_factory=dict)
    """Environment variables of this program only."""
    access: Literal["nothing", "logsieve", "airflow"] = "nothing"
    """Variables of the stack that it receives: none, addresses and secrets, or also Airflow's settings."""
    user: str | None = None
    stop_signal: str = "TERM"
    stop_seconds: int = 30
    seconds_to_start: int = 300

    def environment(self, env: Environment) -> dict[str, str]:
        """The complete environment, with nothing inherited. With access to nothing, it contains no secret."""
        if self.access == "airflow":
            return env.whole() | self.variables
        if self.access == "logsieve":
            return env.judging() | self.variables
        return env.machine(self.directory if self.user else None) | self.variables


@dataclass(frozen=True)
class Homes:
    """Folders of the unpacked parts."""

    jars: Path = Path()
    libaio: Path = Path()
    mysql: Path = Path()
    elasticsearch: Path = Path()
    postgres: Path = Path()


def servers(env: Environment, homes: Homes) -> list[Server]:
    """Every program, in display order."""
    root = os.geteuid() == 0
    refuses_root = other_user.never_root()
    state = env.state
    java = programs.java_home()
    python = [sys.executable, "-m"]
    airflow = [*python, "airflow"]
    return [
        Server(
            "kafka",
            ["java", "-Xms256m", "-Xmx384m", "-XX:+UseSerialGC", "-Dlog4j2.level=WARN",
             f"-XX:ErrorFile={state / 'logs' / 'hs_err_kafka.log'}", f"-Djava.io.tmpdir={env.settings.scratch}",
             "-cp", f"{homes.jars}/kafka/*", "kafka.Kafka", str(state / "kafka" / "server.properties")],
            probes.kafka, 1024 * MIB, state / "kafka",
        ),
        Server(
            "mysql",
            [str(homes.mysql / "bin" / "mysqld"), f"--defaults-file={state / 'mysql' / 'my.cnf'}",
             *(["--user=root"] if root else [])],
            probes.mysql, 1536 * MIB, state / "mysql", {"LD_LIBRARY_PATH": str(homes.libaio)},
        ),
        Server(
            "elasticsearch", [str(homes.elasticsearch / "bin" / "elasticsearch")],
            probes.elasticsearch, 1536 * MIB, homes.elasticsearch,
            {"ES_JAVA_HOME": str(java), "ES_JAVA_OPTS": "-Xms512m -Xmx512m -XX:TieredStopAtLevel=1",
             "ES_TMPDIR": str(homes.elasticsearch.parent / "tmp"),
             # Relative, because its script splits this at spaces, which the path may contain.
             "CLI_JAVA_OPTS": "-Djava.io.tmpdir=../tmp",
             "TMPDIR": str(homes.elasticsearch.parent / "tmp"), "HOME": str(homes.elasticsearch.parent)},
            user=refuses_root,
        ),
        # Low priority: indexing yields to judging and loading.
        Server(
            "indexer", [*configs.YIELDING, *python, "include.index.indexer"], probes.indexer, 512 * MIB, state,
            access="logsieve",
        ),
        Server(
            "postgres", configs.postgres_command(env, homes.postgres), probes.postgres, 512 * MIB,
            other_user.folder_of(env, "postgres"), user=refuses_root, stop_signal="INT",
        ),
        Server(
            "airflow-api-server", [*airflow, "api-server"], probes.api_server, 1024 * MIB, state, access="airflow",
        ),
        Server(
            "airflow-scheduler", [*airflow, "scheduler", "--skip-serve-logs"],
            # Tasks, including Spark applications, are children of the scheduler: its limit covers them all.
            probes.airflow("scheduler"), 6144 * MIB, state,
            # About 45 s. A scheduler that gives up waits for its tasks; as the stream never ends, it hangs. The other
            # programs exit at once and are restarted; with retries, they would delay `down`.
            {"AIRFLOW__DATABASE__MAX_DB_RETRIES": "20"}, access="airflow",
        ),
        Server(
            "airflow-dag-processor", [*airflow, "dag-processor"], probes.airflow("dag_processor"), 1024 * MIB, state,
            access="airflow",
        ),
        Server(
            "airflow-triggerer", [*airflow, "triggerer", "--skip-serve-logs"],
            probes.airflow("triggerer"), 1024 * MIB, state, access="airflow",
        ),
        Server(
            "watchdog", [*python, "include.stack.run.watchdog"], probes.nothing_to_ask, 256 * MIB, state,
            access="logsieve",
        ),
    ]  # fmt: skip
