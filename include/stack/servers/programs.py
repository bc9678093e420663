"""The programs of the embedded stack: command, health probe and memory limit of each."""

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from include.driver.submit import OPTIMISES_LATE
from include.stack import engines, folders
from include.stack.environment import Account, Environment
from include.stack.fetch.mysqld import Mysqld
from include.stack.machine.needs import SERVERS
from include.stack.servers import (
    elasticsearch_config,
    kafka_config,
    postgres_config,
    probes,
    server_users,
    spark_config,
    tools,
    yarn_config,
)

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
    account: Account = "stream"
    """Whose logins are among them."""
    user: str | None = None
    stop_signal: str = "TERM"
    stop_seconds: int = 30
    seconds_to_start: int = 300

    def environment(self, env: Environment) -> dict[str, str]:
        """The complete environment, with nothing inherited. With access to nothing, it contains no secret."""
        if self.access == "airflow":
            return env.whole(self.account) | self.variables
        if self.access == "logsieve":
            return env.judging(self.account) | self.variables
        of_user = {"USER": self.user, "LOGNAME": self.user} if self.user else {}
        return env.machine(self.directory) | of_user | self.variables


@dataclass(frozen=True)
class Homes:
    """Folders of the unpacked parts, and the chosen MySQL."""

    kafka: Path = Path()
    mysql: Mysqld = field(default_factory=Mysqld)
    elasticsearch: Path = Path()
    postgres: Path = Path()


def servers(env: Environment, homes: Homes) -> list[Server]:
    """Every program, in display order."""
    state = env.state
    home = {name: folders.of_server(env.settings, name) for name in SERVERS}
    python = [sys.executable, "-m"]
    airflow = [*python, "airflow"]
    return [
        Server(
            "kafka",
            ["java", "-Xms256m", "-Xmx384m", "-XX:+UseSerialGC", "-Dlog4j2.level=WARN",
             *kafka_config.jmx_options(env),
             f"-XX:ErrorFile={home['kafka'] / 'logs' / 'hs_err.log'}", f"-Djava.io.tmpdir={home['kafka'] / 'tmp'}",
             "-cp", f"{homes.kafka}/*", "kafka.Kafka", str(home["kafka"] / "server.properties")],
            probes.kafka, 1024 * MIB, home["kafka"], user=server_users.user_of("kafka"),
        ),
        Server(
            "mysql",
            [*homes.mysql.command, f"--defaults-file={home['mysql'] / 'my.cnf'}"],
            probes.mysql, 1536 * MIB, home["mysql"], homes.mysql.variables,
            user=server_users.user_of("mysql"),
        ),
        Server(
            "elasticsearch", [str(homes.elasticsearch / "bin" / "elasticsearch")],
            probes.elasticsearch, 1536 * MIB, home["elasticsearch"],
            {"ES_JAVA_OPTS": " ".join(["-Xms512m", "-Xmx512m", *OPTIMISES_LATE]),
             **elasticsearch_config.variables(homes.elasticsearch)},
            user=server_users.user_of("elasticsearch"),
        ),
        *cluster_of(env),
        # Low priority: indexing yields to judging and loading.
        Server(
            "indexer", [*tools.YIELDING, *python, "include.index.indexer"], probes.indexer, 512 * MIB, state,
            access="logsieve", account="indexer",
        ),
        Server(
            "postgres", postgres_config.command(env, homes.postgres), probes.postgres, 512 * MIB, home["postgres"],
            user=server_users.user_of("postgres"), stop_signal="INT",
        ),
        Server(
            "airflow-api-server", [*airflow, "api-server"], probes.api_server, 1024 * MIB, state, access="airflow",
            account="reader",  # the page's
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
            "metrics", [*tools.YIELDING, *python, "include.metrics.server"], probes.metrics, 256 * MIB, state,
            env.metrics, access="logsieve", account="reader",
        ),
        Server(
            "watchdog", [*python, "include.stack.run.watchdog"], probes.nothing_to_ask, 256 * MIB, state,
            access="logsieve",
        ),
    ]  # fmt: skip


def cluster_of(env: Environment) -> list[Server]:
    """The programs of the stack's Spark cluster, if it has one."""
    if env.engine in ("local", "kubernetes"):
        return []
    if env.engine == "yarn":
        manager = yarn_config.resource_manager(env)
        return [
            Server(engines.YARN_MANAGER, manager, probes.port("yarn"), 768 * MIB, env.state),
            *(
                # Containers, such as the driver's, are its children.
                Server(name, yarn_config.node_manager(env, name), probes.nothing_to_ask, 8192 * MIB, env.state)
                for name in yarn_config.NODES
            ),
        ]
    variables = spark_config.variables(env)
    master = Server("spark-master", spark_config.master(env), probes.port("spark"), 512 * MIB, env.state, variables)
    return [
        master,
        *(
            # Executors are its children.
            Server(name, spark_config.worker(env, name), probes.nothing_to_ask, 6144 * MIB, env.state, variables)
            for name in spark_config.WORKERS
        ),
    ]
