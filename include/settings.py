"""Typed settings from environment variables that start with LOGSIEVE_. Nothing is read at import."""

import os
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, FilePath, SecretStr, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SecretsSettingsSource, SettingsConfigDict

from include import addresses, folders

ROOT = Path(__file__).resolve().parent.parent
_HOME = ROOT if ROOT.is_dir() else Path()
"""On a cluster the modules are in an archive: there a job's files belong in its working folder."""

Folder = Annotated[Path, AfterValidator(folders.real), Field(validate_default=True)]
"""An absolute path without links."""

SECRETS = "LOGSIEVE_SECRETS"
"""Variable that names a folder with a file for each secret."""

Trigger = Literal["realtime", "interval", "available-now"]


class Settings(BaseSettings):
    """Where everything is and how it runs. `LOGSIEVE_KAFKA_BOOTSTRAP=…` sets `kafka_bootstrap`, and so on.

    What no variable sets is read from a file with its name in the folder LOGSIEVE_SECRETS, if there is one: containers
    get their passwords so.
    Raises pydantic.ValidationError, naming the variable, if a value does not fit its type or bounds.
    """

    model_config = SettingsConfigDict(env_prefix="LOGSIEVE_", extra="ignore", env_ignore_empty=True)

    state: Folder = _HOME / ".state"
    """Data, logs, checkpoints and secrets: everything that `--fresh` wipes."""
    parts: Folder = _HOME / ".parts"
    """Downloaded parts: JVM jars, the MySQL and Elasticsearch servers. All state folders share it."""

    contract: Annotated[Path, AfterValidator(folders.real)] = ROOT / "contract.toml"
    """File that declares what a log is: docs/contract.md#the-file. Once it is in effect, changes to it wait for
    `./logsieve contract apply`, which writes what is in effect into the state folder. A file that ends in `.json` is
    one that it wrote."""

    kafka_bootstrap: str = "127.0.0.1:9092"
    kafka_security: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    kafka_ca: FilePath | None = None
    """PEM file with the CA certificates of the brokers; by default those that the machine trusts."""
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    kafka_user: str = ""
    kafka_password: SecretStr = SecretStr("")
    topic_partitions: int = Field(default=2, ge=1, le=256)

    mysql_host: str = "127.0.0.1"
    mysql_port: int = Field(default=3306, ge=1, le=65535)
    mysql_socket: str = ""
    """Path of MySQL's Unix socket: Python programs use it in place of host and port, JDBC cannot."""
    mysql_ca: FilePath | None = None
    """PEM file with the CA certificates of MySQL. The host name is checked too. By default the connection is encrypted
    but the server is not verified."""
    mysql_stream_user: str = "logsieve_stream"
    """Account of the Spark application, which reads the users dimension and writes verdicts."""
    mysql_stream_password: SecretStr = SecretStr("")
    mysql_reader_user: str = "logsieve_reader"
    """Read-only account of `status`, the page and tests."""
    mysql_reader_password: SecretStr = SecretStr("")

    mysql_airflow_user: str = "logsieve_airflow"
    """Account that may alter tables, for `contract apply` on own servers; the DAGs have theirs from Airflow."""
    mysql_airflow_password: SecretStr = SecretStr("")

    elasticsearch_url: str = "http://127.0.0.1:9200"
    elasticsearch_ca: FilePath | None = None
    """PEM file with the CA certificates of an `https` server; by default those that Python trusts."""
    elasticsearch_user: str = ""
    elasticsearch_password: SecretStr = SecretStr("")

    index_shards: int = Field(default=1, ge=1, le=1024)
    """Primary shards of each new index. A shard holds at most 2.1 billion documents, an index those of a day."""
    index_replicas: int = Field(default=0, ge=0, le=100)
    """Copies of each shard of a new index, on other nodes."""

    trigger: Trigger = "realtime"
    realtime_batch_seconds: int = Field(default=86_400, ge=5, le=604_800)
    """Length of a real-time batch. Verdicts wait one to two seconds between batches; a change of users ends a batch."""
    wait_milliseconds: int = Field(default=20, ge=0, le=1000)
    """How long a log may wait at `classify` for others, with the real-time trigger: alone it costs more CPU."""
    interval_milliseconds: int = Field(default=1000, ge=0, le=600_000)
    """Pause between micro-batches of `classify` with the interval trigger."""
    driver_memory: str = "1g"
    executors: int = Field(default=2, ge=1, le=1000)
    """Spark executors, if the Spark connection names a cluster."""
    executor_cores: int | None = Field(default=None, ge=1, le=1000)
    """Task slots of an executor; by default as many as the topic's partitions need: jobs/driver/slots.py."""
    executor_memory: str = "1g"
    executor_python: str = ""
    """Python on the cluster: a path on its nodes, or the URL of a packed environment (.tar.gz). By default the path of
    the Python that submits."""
    jobs: str = ""
    """Folder of the applications that Airflow submits, as Spark reaches it: a path or a URL (local:/// in an image). By
    default jobs/ beside the DAGs."""
    staging: str = ""
    """URL of a folder that all nodes reach, for the files of an application; by default the cluster's own choice."""
    image: str = ""
    """Image of the pods of driver and executors on Kubernetes: that of our Dockerfile."""
    kubeconfig: FilePath | None = None
    """How Kubernetes is reached; by default as `kubectl` would reach it here, or a pod its own cluster."""
    pod_template: FilePath | None = None
    """Template of these pods; by default jobs/pod.yaml."""
    pod_cpus: float = Field(default=1, gt=0, le=1000)
    """Processors that Kubernetes reserves for each of these pods. Most slots of an executor wait."""
    mysqld: FilePath | None = None
    """Program of the embedded MySQL, 8.0.30 or newer; by default the machine's or the distribution's newest."""
    fsync: bool = False
    """Whether the embedded Kafka acknowledges a message only once it is on the disk, not in memory only."""

    seed: int = 7
    accounts: int = Field(default=10_000, ge=10, le=10_000_000)
    """Number of accounts in the generator and in its accounts export."""
    accounts_path: str = ""
    """Folder or URL that contains `ds=YYYY-MM-DD/accounts.csv`; by default the folder `accounts` in the state."""
    accounts_most_changed: float = Field(default=0.1, ge=0, le=1)
    """An export is refused if more than this share of the accounts has another device than on the nearest loaded day.
    Each further day between the two raises the limit by a tenth. 1: never."""
    accounts_most_closed: float = Field(default=0.1, ge=0, le=1)
    """The same for accounts of that day that the export lacks."""
    accounts_most_added: float = Field(default=0.1, ge=0, le=1)
    """The same for accounts of the export that are new."""
    rate: float = Field(default=100, gt=0, le=1_000_000)
    share_bad: float = Field(default=0.05, ge=0, le=1)
    share_suspicious: float = Field(default=0.05, ge=0, le=1)
    late_days: int = Field(default=0, ge=0, le=365)
    """The event times of generated logs are spread over the last `late_days` days; 0: they are the current time."""

    retention_days: int = Field(default=30, ge=0, le=3650)
    """Logs are kept for at least this many days after they were loaded; 0: indefinitely."""
    disk_gib: float | None = Field(default=None, ge=0, le=1_000_000)
    """Most GiB that logs may take over all hops; they expire earlier if necessary. 0: no limit. By default 20 in the
    embedded stack and in containers, elsewhere no limit. include/retention/disk_bounds.py divides it."""
    free_gib: float = Field(default=3, ge=0.1, le=1_000_000)
    """Alerts if the state's disk has less free space. Elasticsearch rejects writes below 0.5 GiB, Kafka stops at 0."""
    runs_days: int = Field(default=7, ge=1, le=3650)
    """DAG runs and their task logs are kept for this many days."""

    announce_minutes: int = Field(default=5, ge=0, le=1440)
    """How often the assets of the tables get an event with the new rows; 0: never."""
    own_dags: Annotated[Path, AfterValidator(folders.real)] | None = None
    """Another folder with DAGs, yours, for the Airflow of the embedded stack."""

    breaker_share: float = Field(default=0.2, ge=0, le=1)
    """Alerts if more than this share of the logs of the last `breaker_window_minutes` is bad."""
    breaker_window_minutes: int = Field(default=10, ge=1, le=1440)
    breaker_in_a_row: int = Field(default=1000, ge=1, le=1_000_000)
    """Alerts after this many consecutive bad logs in one partition."""
    breaker_stops: bool = False
    """Whether the breaker also stops the stream."""

    metrics_address: str = Field(default="127.0.0.1:9464", pattern=r"^[^:]+:\d{1,5}$")
    """Host and port at which Prometheus finds the metrics. The embedded stack's port is LOGSIEVE_PORT_METRICS."""
    metrics_token: SecretStr = SecretStr("")
    """What Prometheus must send to get them."""
    metrics_airflow: str = ""
    """Base URL of Airflow's API server, to include the health of its parts; empty: it is left out."""

    metrics_statsd: Annotated[str, AfterValidator(addresses.checked)] = ""
    """Host and port of a StatsD server, to which Airflow and Spark then send their own metrics, by UDP; Kafka then
    shows its own by JMX. Empty: none of the three does."""

    metrics_dashboard: str = Field(default="", pattern=r"^(https?://[^\s\"<>]+)?$")
    """URL of the dashboard in Grafana, which the page Logs links to."""
    lineage_ui: str = Field(default="", pattern=r"^(https?://[^\s\"<>]+)?$")
    """URL of a catalogue that draws the lineage, such as Marquez, which the page Logs links to."""

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource, dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:  # fmt: skip
        """What sets a setting, first wins: the caller, a variable, a file."""
        folder = os.environ.get(SECRETS)
        files = (SecretsSettingsSource(settings_cls, secrets_dir=folder),) if folder and Path(folder).is_dir() else ()
        return init_settings, env_settings, *files

    @property
    def contract_in_effect(self) -> Path:
        """The file with the contract that logs are judged by now: include/contract/changing/in_effect.py."""
        applied = self.state / "contract.json"
        return self.contract if self.contract.suffix == ".json" or not applied.exists() else applied.resolve()

    @property
    def kafka_encrypts(self) -> bool:
        """Whether connections to Kafka use TLS."""
        return self.kafka_security.endswith("SSL")

    @property
    def kafka_logs_in(self) -> bool:
        """Whether Kafka requires user and password."""
        return self.kafka_security.startswith("SASL")

    @property
    def metrics_at(self) -> tuple[str, int]:
        """Host and port of the metrics."""
        return addresses.split(self.metrics_address)

    @model_validator(mode="after")
    def _a_login_is_whole(self) -> Self:
        if self.kafka_logs_in and not (self.kafka_user and self.kafka_password.get_secret_value()):
            raise ValueError(f"kafka_security={self.kafka_security} needs kafka_user and kafka_password")
        if bool(self.elasticsearch_user) != bool(self.elasticsearch_password.get_secret_value()):
            raise ValueError("set both elasticsearch_user and elasticsearch_password, or neither")
        return self

    @property
    def checkpoints(self) -> Path:
        """Folder of the streaming queries' checkpoints. It belongs to the current driver; each start empties it."""
        return self.state / "checkpoints"

    @property
    def outside(self) -> Path:
        """Folder of the servers that refuse to run as root, for a state that only root can read."""
        return Path("/var/lib/logsieve") / sha256(str(self.state).encode()).hexdigest()[:12]

    @property
    def scratch(self) -> Path:
        """Folder of the programs' temporary files, which can contain text of logs: include/scratch.py."""
        return self.state / "scratch"

    @property
    def accounts_exports(self) -> str:
        """Folder or URL that contains the accounts export of each day."""
        return self.accounts_path or str(self.state / "accounts")

    @property
    def troubles(self) -> Path:
        """Folder of the files that name what blocks the driver or the indexer: include/watch/troubles.py."""
        return self.state / "troubles"

    @property
    def programs(self) -> Path:
        """File that says when each program of the embedded stack was started: include/watch/programs.py."""
        return self.state / "programs.json"

    @property
    def dead_letters(self) -> Path:
        """File of documents that Elasticsearch refused, one JSON object per line."""
        return self.state / "indexer" / "dead-letters.jsonl"
