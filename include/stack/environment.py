"""The environment of the embedded stack: its ports, its generated secrets, and the variables of its programs.

Created by the first `up` and stored in the state folder, so that later commands find the same servers.
"""

import json
import os
import secrets
from functools import cached_property
from pathlib import Path
from typing import Literal
from urllib.parse import quote, urlencode

from pydantic import SecretStr

from include import scratch
from include.clients.outside import Outside
from include.retention.disk_bounds import EMBEDDED_GIB
from include.settings import Settings
from include.stack import airflow_settings, connections, engines, folders, statsd
from include.stack.connections import AIRFLOW_USER
from include.stack.engines import Engine
from include.stack.machine import programs, shell
from include.stack.ports import Ports
from include.stack.private import fernet_key, write_private

HOST = programs.HOST
STACK_VARIABLE = shell.STACK_VARIABLE

SECRETS = (
    "postgres", "mysql_root", "mysql_airflow", "mysql_stream", "mysql_reader", "airflow_admin", "airflow_viewer",
    "airflow_jwt", "airflow_api", "supervisor", "elasticsearch_admin", "elasticsearch_airflow", "elasticsearch_indexer",
    "elasticsearch_reader", "kafka_admin", "kafka_airflow", "kafka_indexer", "kafka_reader", "kafka_sender",
    "kafka_stream", "kafka_jmx", "metrics", "spark",
)  # fmt: skip

NOT_EMBEDDED = (
    "kafka_security", "kafka_ca", "kafka_sasl_mechanism", "kafka_user", "kafka_password", "mysql_ca",
    "mysql_stream_user", "mysql_reader_user", "elasticsearch_ca", "elasticsearch_user", "elasticsearch_password",
)  # fmt: skip
"""Settings that the embedded servers ignore: they use no TLS, and users of their own."""

Account = Literal["admin", "airflow", "indexer", "reader", "stream"]
"""Whose logins a program has: those of whoever started the stack, the DAGs', the indexer's, those of one that only
reads, or the Spark application's."""


class Environment:
    """Ports, secrets and settings of one stack."""

    def __init__(
        self,
        settings: Settings,
        ports: Ports,
        passwords: dict[str, str],
        engine: Engine = "local",
        *,
        generates: bool = True,
    ) -> None:
        """`generates`: whether `bootstrap` starts the generator and waits for its logs."""
        self.engine: Engine = engine
        self.generates = generates
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
        host, port = folders.postgres_address(self.settings, self.ports)
        address = urlencode({"host": host, "port": port}, quote_via=quote)
        return f"postgresql+psycopg2://airflow:{self.passwords['postgres']}@/postgres?{address}"

    @property
    def metrics(self) -> dict[str, str]:
        """Variables of the program that serves the metrics: it only reads, so it has no password of the stream."""
        host, _ = self.settings.metrics_at
        return {
            "LOGSIEVE_METRICS_ADDRESS": f"{host}:{self.ports.metrics}",
            "LOGSIEVE_METRICS_TOKEN": self.passwords.get("metrics", ""),
            "LOGSIEVE_METRICS_AIRFLOW": self.airflow_url,
            "LOGSIEVE_MYSQL_STREAM_PASSWORD": "",
            **{name: value for name, value in os.environ.items() if shell.OTLP.fullmatch(name)},
        }

    @cached_property
    def statsd(self) -> str:
        """Where Airflow and Spark send their own metrics, as `address:port`; empty: nowhere."""
        return statsd.by_address(self.settings.metrics_statsd)

    @property
    def spark_master(self) -> str:
        """Spark's master."""
        return engines.master(self.engine, self.ports, self.settings)

    @property
    def disk_gib(self) -> float:
        """Disk limit for logs in GiB; 0 for no limit."""
        configured = self.settings.disk_gib
        return EMBEDDED_GIB if configured is None else configured

    def reaching(self, account: Account = "admin") -> Settings:
        """The settings with the addresses of this stack's servers and an account's logins.

        The stream has none for Elasticsearch.
        """
        return self.settings.model_copy(
            update={
                "kafka_bootstrap": f"{HOST}:{self.ports.kafka}",
                "kafka_security": "SASL_PLAINTEXT",
                "kafka_user": f"logsieve_{account}",
                "kafka_password": SecretStr(self.passwords[f"kafka_{account}"]),
                "mysql_host": HOST,
                "mysql_port": self.ports.mysql,
                "mysql_socket": folders.mysql_socket(self.settings),
                "mysql_stream_password": SecretStr(self.passwords["mysql_stream"]),
                "mysql_reader_password": SecretStr(self.passwords["mysql_reader"]),
                "elasticsearch_url": f"http://{HOST}:{self.ports.elasticsearch}",
                "elasticsearch_user": f"logsieve_{account}",
                "elasticsearch_password": SecretStr(self.passwords.get(f"elasticsearch_{account}", "")),
            }
        )

    @cached_property
    def outside(self) -> Outside:
        """What makes clients of this stack's servers."""
        return Outside(self.reaching(), {"airflow": (AIRFLOW_USER, self.passwords["mysql_airflow"])})

    def variables(self) -> dict[str, str]:
        """The variables that connect a shell to this stack, with secrets: whoever has them may do anything."""
        return {**self._logsieve("admin"), **self._airflow(), **programs.python()}

    def machine(self, folder: Path | None = None) -> dict[str, str]:
        """The complete environment of a server without access to the stack: the stack's mark, but no secrets.

        `folder`: its writable folder, by default the state folder.
        """
        temporary = folder / "tmp" if folder else self.settings.scratch
        return programs.machine(folder or self.state, temporary) | {STACK_VARIABLE: str(self.state)}

    def judging(self, account: Account = "stream") -> dict[str, str]:
        """The complete environment of our programs that run outside of Airflow."""
        spark = engines.variables(self.engine, self.state)
        return {
            **shell.for_programs(os.environ), **self._logsieve(account), **programs.python(), **self.machine(), **spark,
        }  # fmt: skip

    def whole(self, account: Account = "stream") -> dict[str, str]:
        """The complete environment of Airflow's programs and their children."""
        # Airflow retitles its processes; with SPT_NOENV their environment stays readable for `down`.
        return {**self.judging(account), **self._airflow(), "SPT_NOENV": "1"}

    def _logsieve(self, account: Account = "stream") -> dict[str, str]:
        settings, ports, passwords = self.settings, self.ports, self.passwords
        return {
            "LOGSIEVE_STATE": str(settings.state),
            "LOGSIEVE_PARTS": str(settings.parts),
            "LOGSIEVE_DISK_GIB": f"{self.disk_gib:g}",
            "LOGSIEVE_KAFKA_BOOTSTRAP": f"{HOST}:{ports.kafka}",
            "LOGSIEVE_MYSQL_HOST": HOST,
            "LOGSIEVE_MYSQL_PORT": str(ports.mysql),
            "LOGSIEVE_MYSQL_SOCKET": folders.mysql_socket(settings),
            "LOGSIEVE_MYSQL_STREAM_PASSWORD": passwords["mysql_stream"],
            "LOGSIEVE_MYSQL_READER_PASSWORD": passwords["mysql_reader"],
            "LOGSIEVE_ELASTICSEARCH_URL": f"http://{HOST}:{ports.elasticsearch}",
            "LOGSIEVE_METRICS_STATSD": self.statsd,
            **{f"LOGSIEVE_{name.upper()}": "" for name in NOT_EMBEDDED},  # empty is the default
            # Of logs that are not ours, nobody knows how many are bad: watch_logs waits for good ones only.
            **({} if self.generates else {"LOGSIEVE_SHARE_BAD": "0", "LOGSIEVE_SHARE_SUSPICIOUS": "0"}),
            **self._logins(account),
            **{f"LOGSIEVE_PORT_{name.upper()}": str(port) for name, port in ports.model_dump().items()},
        }

    def _logins(self, account: Account) -> dict[str, str]:
        of_kafka = {
            "LOGSIEVE_KAFKA_SECURITY": "SASL_PLAINTEXT",
            "LOGSIEVE_KAFKA_USER": f"logsieve_{account}",
            "LOGSIEVE_KAFKA_PASSWORD": self.passwords[f"kafka_{account}"],
        }
        if account == "stream":  # it does not use Elasticsearch
            return of_kafka
        return {
            **of_kafka,
            "LOGSIEVE_ELASTICSEARCH_USER": f"logsieve_{account}",
            "LOGSIEVE_ELASTICSEARCH_PASSWORD": self.passwords[f"elasticsearch_{account}"],
        }

    def _airflow(self) -> dict[str, str]:
        ports, passwords, home = self.ports, self.passwords, self.state / "airflow"
        spark = self.spark_master, engines.connection_extra(self.engine, ports, self.settings)
        found = connections.variables(ports, passwords, self.reaching("airflow"), *spark)
        own = self.settings.own_dags
        settings = airflow_settings.variables(home, self.airflow_url, ports.airflow, passwords, own)
        return {
            **settings,
            **airflow_settings.metrics(self.statsd),
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": self.metadata_url,
            "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(self.state / "logs" / "airflow"),
            **found,
        }


def load(settings: Settings) -> Environment | None:
    """The environment that an earlier `up` stored in the state folder, or None."""
    kept = settings.state / "stack.json"
    if not kept.exists():
        return None
    content = json.loads(kept.read_text())
    passwords = dict.fromkeys(SECRETS, "") | content["passwords"]  # an earlier version stored fewer
    ports, engine = Ports.model_construct(**content["ports"]), content.get("engine", "local")
    return Environment(settings, ports, passwords, engine, generates=content.get("generates", True))


def load_or_plan(settings: Settings) -> Environment:
    """The stored environment, or one from the current settings without secrets, for checks before `up`."""
    return load(settings) or Environment(settings, Ports(), {})


def make(
    settings: Settings, ports: Ports | None = None, engine: Engine | None = None, *, generates: bool | None = None
) -> Environment:
    """Creates and stores the environment of a stack: stored or new secrets; ports from the settings by default.

    `engine`, `generates`: by default the stored ones.
    """
    known = load(settings)
    engine = engine or (known.engine if known else "local")
    generates = (known is None or known.generates) if generates is None else generates
    passwords = {name: secrets.token_urlsafe(24) for name in SECRETS} | {"airflow_fernet": fernet_key()}
    passwords |= {name: value for name, value in (known.passwords if known else {}).items() if value}
    created = Environment(settings, ports or Ports(), passwords, engine, generates=generates)
    scratch.make(settings)  # the TMPDIR of every program
    write_private(settings.state / "metrics-token", passwords["metrics"])  # Prometheus reads it: docs/metrics.md
    kept = {"ports": created.ports.model_dump(), "passwords": passwords, "engine": engine, "generates": generates}
    write_private(settings.state / "stack.json", json.dumps(kept, indent=2))
    return created
