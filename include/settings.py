"""Typed settings, read from environment variables that begin with LOGSIEVE_. Nothing is read at import."""

from hashlib import sha256
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, FilePath, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from include import folders

ROOT = Path(__file__).resolve().parent.parent

Folder = Annotated[Path, AfterValidator(folders.real), Field(validate_default=True)]
"""By its one real name."""

Trigger = Literal["realtime", "interval", "available-now"]


class Settings(BaseSettings):
    """Where everything is and how it runs. `LOGSIEVE_KAFKA_BOOTSTRAP=…` sets `kafka_bootstrap`, and so on.

    Raises pydantic.ValidationError, naming the variable, when one does not fit its type or bounds.
    """

    model_config = SettingsConfigDict(env_prefix="LOGSIEVE_", extra="ignore", env_ignore_empty=True)

    state: Folder = ROOT / ".state"
    """Data, logs, checkpoints, secrets: all that `--fresh` wipes."""
    parts: Folder = ROOT / ".parts"
    """Downloaded parts: JVM jars, the MySQL and Elasticsearch servers. Shared by every state folder."""

    kafka_bootstrap: str = "127.0.0.1:9092"
    kafka_security: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    kafka_ca: FilePath | None = None
    """PEM file of the certificates that the brokers' are checked with; none: those that the machine trusts."""
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    kafka_user: str = ""
    kafka_password: SecretStr = SecretStr("")
    topic_partitions: int = Field(default=2, ge=1, le=256)

    mysql_host: str = "127.0.0.1"
    mysql_port: int = Field(default=3306, ge=1, le=65535)
    mysql_ca: FilePath | None = None
    """PEM file of the certificates that MySQL's is checked with, its name too; none: encrypted, but not checked."""
    mysql_stream_user: str = "logsieve_stream"
    """Used by the Spark application: reads the users dimension, writes verdicts."""
    mysql_stream_password: SecretStr = SecretStr("")
    mysql_reader_user: str = "logsieve_reader"
    """Used by whoever only looks: `status`, the page, tests."""
    mysql_reader_password: SecretStr = SecretStr("")

    elasticsearch_url: str = "http://127.0.0.1:9200"
    elasticsearch_ca: FilePath | None = None
    """PEM file of the certificates that an `https` server's is checked with; none: those that Python trusts."""
    elasticsearch_user: str = ""
    elasticsearch_password: SecretStr = SecretStr("")

    trigger: Trigger = "realtime"
    realtime_batch_seconds: int = Field(default=300, ge=5, le=3600)
    """Length of a real-time batch. Between two of them verdicts wait a second or two; a change of users ends one."""
    interval_milliseconds: int = Field(default=1000, ge=0, le=600_000)
    """Pause between micro-batches of `classify`, with the interval trigger."""
    driver_memory: str = "1g"

    seed: int = 7
    accounts: int = Field(default=10_000, ge=10, le=10_000_000)
    """How many accounts the generator and its accounts export know."""
    accounts_path: str = ""
    """Folder or URL of the accounts exports, `ds=YYYY-MM-DD/accounts.csv` below it; empty: `accounts` in the state."""
    accounts_most_changed: float = Field(default=0.1, ge=0, le=1)
    """An export is refused when more than this share of the accounts has another device than on the nearest day that
    was loaded; with each further day between them a tenth of this is added. 1: never."""
    accounts_most_closed: float = Field(default=0.1, ge=0, le=1)
    """The same of that day's accounts that the export lacks."""
    accounts_most_added: float = Field(default=0.1, ge=0, le=1)
    """The same of the export's accounts that are new."""
    rate: float = Field(default=100, gt=0, le=1_000_000)
    share_bad: float = Field(default=0.05, ge=0, le=1)
    share_suspicious: float = Field(default=0.05, ge=0, le=1)
    late_days: int = Field(default=0, ge=0, le=365)
    """Generated logs happened at any second of so many days up to now; 0: now."""

    retention_days: int = Field(default=30, ge=0, le=3650)
    """Logs are kept at least so many days from when they were loaded; 0: for ever."""
    disk_gib: float | None = Field(default=None, ge=0, le=1_000_000)
    """Logs take at most so many GiB over all hops, and expire sooner for it; 0: no bound. Not said: as with 0, but 20
    in the embedded stack and in containers. include/retention/disk_bounds.py divides it."""
    free_gib: float = Field(default=3, ge=0.1, le=1_000_000)
    """Alerts when less is free where the state is. Elasticsearch takes nothing more below 0.5 GiB, Kafka ends at 0."""
    runs_days: int = Field(default=7, ge=1, le=3650)
    """Runs of the DAGs, and what they printed, are kept so many days."""

    breaker_share: float = Field(default=0.2, ge=0, le=1)
    """Alerts when more than this share of the last `breaker_window_minutes` is bad."""
    breaker_window_minutes: int = Field(default=10, ge=1, le=1440)
    breaker_in_a_row: int = Field(default=1000, ge=1, le=1_000_000)
    """Alerts when so many bad logs came in a row in one partition."""
    breaker_stops: bool = False
    """Whether the breaker also stops the stream."""

    @property
    def kafka_encrypts(self) -> bool:
        """Whether Kafka is spoken to by TLS."""
        return self.kafka_security.endswith("SSL")

    @property
    def kafka_logs_in(self) -> bool:
        """Whether Kafka asks for user and password."""
        return self.kafka_security.startswith("SASL")

    @model_validator(mode="after")
    def _a_login_is_whole(self) -> Self:
        if self.kafka_logs_in and not (self.kafka_user and self.kafka_password.get_secret_value()):
            raise ValueError(f"kafka_security={self.kafka_security} needs kafka_user and kafka_password")
        if bool(self.elasticsearch_user) != bool(self.elasticsearch_password.get_secret_value()):
            raise ValueError("elasticsearch_user and elasticsearch_password need each other")
        return self

    @property
    def checkpoints(self) -> Path:
        """Folder of the streaming queries' checkpoints, of the present driver only; emptied at each start."""
        return self.state / "checkpoints"

    @property
    def outside(self) -> Path:
        """Folder of the servers that refuse root, where root keeps the state closed to all others."""
        return Path("/var/lib/logsieve") / sha256(str(self.state).encode()).hexdigest()[:12]

    @property
    def scratch(self) -> Path:
        """Folder of what programs write for themselves, text of logs too: include/scratch.py."""
        return self.state / "scratch"

    @property
    def accounts_exports(self) -> str:
        """Folder or URL below which each day's accounts export lies."""
        return self.accounts_path or str(self.state / "accounts")

    @property
    def troubles(self) -> Path:
        """Folder of what keeps driver and indexer from their work: include/watch/troubles.py."""
        return self.state / "troubles"

    @property
    def dead_letters(self) -> Path:
        """File of documents that Elasticsearch refused, a JSON object a line."""
        return self.state / "indexer" / "dead-letters.jsonl"
