"""The programs of the embedded stack: how each is started, asked for its health, and bounded in memory."""

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
    """One supervised program. `memory` is the resident size, children included, above which it is restarted."""

    name: str
    command: list[str]
    probe: Callable[[Environment], str | None]
    """Gives None when the server answers as it should, else what is wrong."""
    memory: int
    directory: Path
    variables: dict[str, str] = field(default_factory=dict)
    """What it alone is told."""
    knows: Literal["nothing", "logsieve", "airflow"] = "nothing"
    """Of the stack: addresses and secrets, and Airflow's settings with them."""
    user: str | None = None
    stop_signal: str = "TERM"
    stop_seconds: int = 30
    seconds_to_start: int = 300

    def environment(self, env: Environment) -> dict[str, str]:
        """All that it gets: nothing is inherited. One that knows nothing, and others may run, gets no secret."""
        if self.knows == "airflow":
            return env.whole() | self.variables
        if self.knows == "logsieve":
            return env.judging() | self.variables
        return env.machine(self.directory if self.user else None) | self.variables


@dataclass(frozen=True)
class Homes:
    """Where the unpacked parts are."""

    jars: Path = Path()
    libaio: Path = Path()
    mysql: Path = Path()
    elasticsearch: Path = Path()
    postgres: Path = Path()


def servers(env: Environment, homes: Homes) -> list[Server]:
    """Every program, in the order in which people read them."""
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
             # Its script takes this apart at spaces, which a path may have; it runs in the server's folder.
             "CLI_JAVA_OPTS": "-Djava.io.tmpdir=../tmp",
             "TMPDIR": str(homes.elasticsearch.parent / "tmp"), "HOME": str(homes.elasticsearch.parent)},
            user=refuses_root,
        ),
        # Being searchable comes after being judged and loaded.
        Server(
            "indexer", [*configs.BEHIND, *python, "include.index.indexer"], probes.indexer, 512 * MIB, state,
            knows="logsieve",
        ),
        Server(
            "postgres", configs.postgres_command(env, homes.postgres), probes.postgres, 512 * MIB,
            other_user.folder_of(env, "postgres"), user=refuses_root, stop_signal="INT",
        ),
        Server(
            "airflow-api-server", [*airflow, "api-server"], probes.api_server, 1024 * MIB, state, knows="airflow",
        ),
        Server(
            "airflow-scheduler", [*airflow, "scheduler", "--skip-serve-logs"],
            # Tasks run below the scheduler, the Spark applications too: its bound covers them all.
            probes.airflow("scheduler"), 6144 * MIB, state,
            # About 45 s. If it gives up, it ends only when its tasks have, and the stream never does: it hangs. All
            # others end at once, and come back; they would hold up `down`, too.
            {"AIRFLOW__DATABASE__MAX_DB_RETRIES": "20"}, knows="airflow",
        ),
        Server(
            "airflow-dag-processor", [*airflow, "dag-processor"], probes.airflow("dag_processor"), 1024 * MIB, state,
            knows="airflow",
        ),
        Server(
            "airflow-triggerer", [*airflow, "triggerer", "--skip-serve-logs"],
            probes.airflow("triggerer"), 1024 * MIB, state, knows="airflow",
        ),
        Server(
            "watchdog", [*python, "include.stack.run.watchdog"], probes.nothing_to_ask, 256 * MIB, state,
            knows="logsieve",
        ),
    ]  # fmt: skip
