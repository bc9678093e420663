"""What is outside: Kafka, MySQL and Elasticsearch. Built once, at the edge of a program, and handed down."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from confluent_kafka import Consumer
from confluent_kafka.admin import AdminClient

from include.clients import kafka
from include.clients.mysql import Address
from include.settings import Settings

if TYPE_CHECKING:  # importing it takes half a second, too long for a driver
    from elasticsearch import Elasticsearch

Account = Literal["reader", "stream", "airflow"]
"""A MySQL account: reads only, reads and writes rows, or also alters tables."""

MYSQL_SECONDS: Final = 5
"""Time limit for a connection to MySQL, and for locks."""
LOCKS: Final = f"SET SESSION lock_wait_timeout = {MYSQL_SECONDS}, innodb_lock_wait_timeout = {MYSQL_SECONDS}"
"""Lock timeouts of the reader's and the stream's sessions. By default, a SELECT queued after a waiting ALTER TABLE
waits for up to a year."""
SEARCH_SECONDS: Final = 30
LOOKING: Final[dict[str, str | int]] = {
    # Single messages are read at scattered offsets: a long poll would delay the requests that follow it.
    "fetch.wait.max.ms": 5,
    # The same as Spark: a message of a transaction is a log at once, and stays one if the transaction is aborted.
    # With read_committed a topic would seem to end at its oldest open transaction, before logs that were judged.
    "isolation.level": "read_uncommitted",
    # If messages are removed while they are read, only those are skipped, not everything up to the end.
    "auto.offset.reset": "earliest",
    "receive.message.max.bytes": kafka.UNPACKED,
    # Reports the end of a partition, as an error: a transaction marker may follow the last message.
    "enable.partition.eof": True,
}
"""Options of a consumer that only reads, and never joins its group."""


class Outside:
    """Makes clients of the servers that the settings name. Each client belongs to the caller, who closes it.

    `logins`: user and password of further MySQL accounts; the settings have those of the reader and the stream.
    """

    def __init__(self, settings: Settings, logins: Mapping[Account, tuple[str, str]] | None = None) -> None:
        self._settings = settings
        self._logins: dict[Account, tuple[str, str]] = {
            "reader": (settings.mysql_reader_user, settings.mysql_reader_password.get_secret_value()),
            "stream": (settings.mysql_stream_user, settings.mysql_stream_password.get_secret_value()),
            **(logins or {}),
        }

    @property
    def kafka(self) -> dict[str, Any]:
        """The options of librdkafka's clients: address, login, certificates."""
        return kafka.native(self._settings)

    @property
    def kafka_for_spark(self) -> dict[str, str]:
        """The same as options of Spark's Kafka source and sink."""
        return kafka.spark(self._settings)

    def consumer(self, group: str, **options: Any) -> Consumer:
        """A consumer that only reads: it neither joins the group nor commits."""
        return Consumer(
            {**self.kafka, **LOOKING, "group.id": group, "enable.auto.commit": False, "log_level": 0, **options}
        )

    @contextmanager
    def looking(self, group: str, **options: Any) -> Iterator[Consumer]:
        """Yields such a consumer, and closes it."""
        consumer = self.consumer(group, **options)
        try:
            yield consumer
        finally:
            consumer.close()

    def admin(self) -> AdminClient:
        """An admin client. Keep it until Kafka has answered: one that is garbage-collected never delivers its results.

        It logs nothing, because its errors are raised.
        """
        return AdminClient({**self.kafka, "log_level": 0})

    def mysql(self, account: Account = "reader", *, seconds: float | None = None, autocommit: bool = False) -> Any:
        """A mysql.connector connection in UTC. `seconds`: time limit of each answer; None: none.

        Raises mysql.connector.Error, and KeyError for an account without a login.
        """
        import mysql.connector  # takes 0.2 s, too long for a DAG's file

        user, password = self._logins[account]
        return mysql.connector.connect(
            **Address.of(self._settings).options,
            user=user,
            password=password,
            connection_timeout=seconds or MYSQL_SECONDS,
            read_timeout=seconds,
            charset="utf8mb4",
            time_zone="+00:00",
            autocommit=autocommit,
            # Airflow's account alters tables, and waits for locks as long as necessary.
            init_command=None if account == "airflow" else LOCKS,
            use_pure=True,
        )

    def has(self, account: Account) -> bool:
        """Whether it knows a login of this MySQL account."""
        return account in self._logins

    def search(self, seconds: float = SEARCH_SECONDS, retries: int = 0) -> "Elasticsearch":
        """A client of Elasticsearch. By default it raises at the first failure: the caller decides what to retry."""
        settings = self._settings
        login = settings.elasticsearch_user, settings.elasticsearch_password.get_secret_value()
        return elasticsearch(settings.elasticsearch_url, *login, settings.elasticsearch_ca, seconds, retries)


def elasticsearch(
    url: str, user: str | None, password: str | None, ca: Path | str | None, seconds: float, retries: int
) -> "Elasticsearch":
    """A client of the Elasticsearch at this URL; without a login or a CA if these are empty."""
    from elasticsearch import Elasticsearch

    login: dict[str, Any] = {"basic_auth": (user, password)} if user else {}
    checked: dict[str, Any] = {"ca_certs": str(ca)} if ca else {}
    return Elasticsearch(url, request_timeout=seconds, max_retries=retries, **login, **checked)
