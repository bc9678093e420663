"""The environment of the embedded stack: its ports, its generated secrets, and the variables of its programs.

Created by the first `up` and stored in the state folder, so that later commands find the same servers.
"""

import json
import os
import secrets
import socket
from contextlib import ExitStack
from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from include import scratch
from include.driver.submit import local_master
from include.retention.disk_bounds import EMBEDDED_GIB
from include.settings import ROOT, Settings
from include.stack.machine import programs, shell
from include.stack.private import fernet_key, write_private

HOST = programs.HOST
STACK_VARIABLE = shell.STACK_VARIABLE

SECRETS = (
    "postgres", "mysql_root", "mysql_airflow", "mysql_stream", "mysql_reader", "airflow_admin", "airflow_viewer",
    "airflow_jwt", "airflow_api", "supervisor",
)  # fmt: skip


NOT_EMBEDDED = (
    "kafka_security", "kafka_ca", "kafka_sasl_mechanism", "kafka_user", "kafka_password", "mysql_ca",
    "mysql_stream_user", "mysql_reader_user", "elasticsearch_ca", "elasticsearch_user", "elasticsearch_password",
)  # fmt: skip
"""Settings for external servers only. The embedded servers use the defaults: no TLS, and their own users."""


class Ports(BaseSettings):
    """One port per server, all on 127.0.0.1. `LOGSIEVE_PORT_KAFKA=…` sets `kafka`, and so on."""

    model_config = SettingsConfigDict(env_prefix="LOGSIEVE_PORT_", extra="ignore", env_ignore_empty=True)

    postgres: int = Field(default=5432, ge=1, le=65535)
    kafka: int = Field(default=9092, ge=1, le=65535)
    kafka_controller: int = Field(default=9093, ge=1, le=65535)
    mysql: int = Field(default=3306, ge=1, le=65535)
    elasticsearch: int = Field(default=9200, ge=1, le=65535)
    elasticsearch_transport: int = Field(default=9300, ge=1, le=65535)
    airflow: int = Field(default=8080, ge=1, le=65535)
    supervisor: int = Field(default=9001, ge=1, le=65535)


def free_ports() -> dict[str, int]:
    """A free port for each server, by name. All are held until the last is chosen, so that they differ."""
    with ExitStack() as held:
        ports = {}
        for name in Ports.model_fields:
            probe = held.enter_context(socket.socket())
            probe.bind((HOST, 0))
            ports[name] = probe.getsockname()[1]
    return ports


class Environment:
    """Ports, secrets and settings of one stack."""

    def __init__(self, settings: Settings, ports: Ports, passwords: dict[str, str]) -> None:
        self.settings = settings.model_copy(update={name: Settings.model_fields[name].default for name in NOT_EMBEDDED})
        self.ports = ports
        self.passwords = passwords

    @property
    def state(self) -> Path:
        """The folder with all files of this stack."""
        return self.settings.state

    @property
    def airflow_url(self) -> str:
        """Base URL of Airflow's UI and REST API."""
        return f"http://{HOST}:{self.ports.airflow}"

    @property
    def metadata_url(self) -> str:
        """SQLAlchemy URL of Airflow's metadata, with its password."""
        return f"postgresql+psycopg2://airflow:{self.passwords['postgres']}@{HOST}:{self.ports.postgres}/postgres"

    @property
    def disk_gib(self) -> float:
        """Disk limit for logs in GiB; 0 for no limit."""
        configured = self.settings.disk_gib
        return EMBEDDED_GIB if configured is None else configured

    def reaching(self) -> Settings:
        """The settings with the addresses of this stack's servers and its read-only MySQL user."""
        return self.settings.model_copy(
            update={
                "kafka_bootstrap": f"{HOST}:{self.ports.kafka}",
                "mysql_host": HOST,
                "mysql_port": self.ports.mysql,
                "mysql_reader_password": SecretStr(self.passwords["mysql_reader"]),
                "elasticsearch_url": f"http://{HOST}:{self.ports.elasticsearch}",
            }
        )

    def variables(self) -> dict[str, str]:
        """The variables that connect Logsieve and Airflow to this stack, including secrets."""
        return {**self._logsieve(), **self._airflow(), **programs.python()}

    def machine(self, folder: Path | None = None) -> dict[str, str]:
        """The complete environment of a server without access to the stack: the stack's mark, but no secrets.

        `folder`: its writable folder, by default the state folder.
        """
        temporary = folder / "tmp" if folder else self.settings.scratch
        return programs.machine(folder or self.state, temporary) | {STACK_VARIABLE: str(self.state)}

    def judging(self) -> dict[str, str]:
        """The complete environment of our programs that run outside of Airflow."""
        return {**shell.for_programs(os.environ), **self._logsieve(), **programs.python(), **self.machine()}

    def whole(self) -> dict[str, str]:
        """The complete environment of Airflow's programs and their children."""
        # Airflow retitles its processes; with SPT_NOENV their environment stays readable for `down`.
        return {**self.judging(), **self._airflow(), "SPT_NOENV": "1"}

    def _logsieve(self) -> dict[str, str]:
        settings, ports, passwords = self.settings, self.ports, self.passwords
        return {
            "LOGSIEVE_STATE": str(settings.state),
            "LOGSIEVE_PARTS": str(settings.parts),
            "LOGSIEVE_DISK_GIB": f"{self.disk_gib:g}",
            "LOGSIEVE_KAFKA_BOOTSTRAP": f"{HOST}:{ports.kafka}",
            "LOGSIEVE_MYSQL_HOST": HOST,
            "LOGSIEVE_MYSQL_PORT": str(ports.mysql),
            "LOGSIEVE_MYSQL_STREAM_PASSWORD": passwords["mysql_stream"],
            "LOGSIEVE_MYSQL_READER_PASSWORD": passwords["mysql_reader"],
            "LOGSIEVE_ELASTICSEARCH_URL": f"http://{HOST}:{ports.elasticsearch}",
            **{f"LOGSIEVE_{name.upper()}": "" for name in NOT_EMBEDDED},  # empty is the default
            **{f"LOGSIEVE_PORT_{name.upper()}": str(port) for name, port in ports.model_dump().items()},
        }

    def _airflow(self) -> dict[str, str]:
        ports, passwords, home = self.ports, self.passwords, self.state / "airflow"
        kafka_extra = {
            "bootstrap.servers": f"{HOST}:{ports.kafka}",
            "group.id": "logsieve-airflow",
            "auto.offset.reset": "latest",
            "enable.auto.commit": False,
        }
        # The driver requests more cores if there are more partitions (jobs/session.py).
        master = local_master(self.settings.topic_partitions)
        mysql_extra = {"client": "mysql-connector-python", "charset": "utf8mb4"}
        connections: dict[str, dict[str, object]] = {
            "mysql": {
                "conn_type": "mysql", "host": HOST, "port": ports.mysql, "login": "logsieve_airflow",
                "password": passwords["mysql_airflow"], "extra": mysql_extra,
            },
            "kafka": {"conn_type": "kafka", "extra": kafka_extra},
            "spark": {"conn_type": "spark", "host": master, "extra": {"deploy-mode": "client"}},
            "elasticsearch": {
                "conn_type": "elasticsearch", "host": HOST, "port": ports.elasticsearch, "schema": "http",
            },
            # For the DAG expire_runs: Airflow gives tasks no access to its metadata.
            "metadata": {
                "conn_type": "postgres", "host": HOST, "port": ports.postgres, "login": "airflow",
                "password": passwords["postgres"], "schema": "postgres",
            },
        }  # fmt: skip
        return {
            "AIRFLOW_HOME": str(home),
            "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
            "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
            "AIRFLOW__CORE__PARALLELISM": "8",
            "AIRFLOW__CORE__FERNET_KEY": passwords["airflow_fernet"],
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": "admin:admin,viewer:viewer",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(home / "passwords.json"),
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{self.airflow_url}/execution/",
            "AIRFLOW__API__HOST": HOST,
            "AIRFLOW__API__PORT": str(ports.airflow),
            "AIRFLOW__API__BASE_URL": self.airflow_url,
            "AIRFLOW__API__WORKERS": "1",
            "AIRFLOW__API__SECRET_KEY": passwords["airflow_api"],
            "AIRFLOW__API_AUTH__JWT_SECRET": passwords["airflow_jwt"],
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": self.metadata_url,
            "AIRFLOW__DAG_PROCESSOR__PARSING_PROCESSES": "1",
            # Changed files are parsed at once regardless; parsing all every 30 s costs a third of a core.
            "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "300",
            "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(self.state / "logs" / "airflow"),
            # A task that starts before the API server retries instead of failing.
            "AIRFLOW__WORKERS__EXECUTION_API_RETRIES": "20",
            "AIRFLOW__WORKERS__EXECUTION_API_RETRY_WAIT_MAX": "4",
            "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "30",
            # The API server takes 14 to 19 s to restart. With a shorter timeout, running tasks would count as lost, and
            # their drivers would be replaced. include/stack/run/lost_tasks.py detects tasks whose worker was killed.
            "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "40",
            "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "2",
            "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "2",
            # Delay of reporting a killed task's exit, while its driver still holds the pipes open.
            "AIRFLOW__WORKERS__SOCKET_CLEANUP_TIMEOUT": "2",
            # The stream keeps running while the API server is down.
            "AIRFLOW__WORKERS__MAX_FAILED_HEARTBEATS": "1000",
            **{f"AIRFLOW_CONN_{name.upper()}": json.dumps(parts) for name, parts in connections.items()},
        }


def load(settings: Settings) -> Environment | None:
    """The environment that an earlier `up` stored in the state folder, or None."""
    kept = settings.state / "stack.json"
    if not kept.exists():
        return None
    content = json.loads(kept.read_text())
    return Environment(settings, Ports.model_construct(**content["ports"]), content["passwords"])


def load_or_plan(settings: Settings) -> Environment:
    """The stored environment, or one from the current settings without secrets, for checks before `up`."""
    return load(settings) or Environment(settings, Ports(), {})


def make(settings: Settings, ports: Ports | None = None) -> Environment:
    """Creates and stores the environment of a stack: stored or new secrets; ports from the settings by default."""
    known = load(settings)
    passwords = known.passwords if known else {name: secrets.token_urlsafe(24) for name in SECRETS}
    passwords.setdefault("airflow_fernet", fernet_key())
    created = Environment(settings, ports or Ports(), passwords)
    scratch.make(settings)  # the TMPDIR of every program
    write_private(
        settings.state / "stack.json",
        json.dumps({"ports": created.ports.model_dump(), "passwords": passwords}, indent=2),
    )
    return created
