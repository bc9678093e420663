"""What the stream needs before it can judge, all of it made by the DAG `bootstrap`."""

import logging
import time
from contextlib import closing
from typing import Final

from confluent_kafka.admin import AdminClient

from include import names
from include.settings import Settings
from jobs.database import Database

_TABLES: Final = {
    *((names.LOGS_DATABASE, table) for table in names.TABLES.values()),
    *((names.LOGS_DATABASE, table) for table in (names.PROGRESS_TABLE, names.LEASE_TABLE, names.TOPIC_IDS_TABLE)),
    (names.USERS_DATABASE, names.USERS_TABLE),
    (names.USERS_DATABASE, names.LOADS_TABLE),
}
_KAFKA_SECONDS: Final = 10
_PAUSE_SECONDS: Final = 0.3

_log = logging.getLogger("logsieve.inputs")


class NotProvisionedError(RuntimeError):
    """A topic, a table or the users dimension was not made in time."""


def wait(database: Database, settings: Settings, seconds: float) -> None:
    """Waits for topics, tables and a first load of the users dimension: without, every log would be suspicious.

    Raises NotProvisionedError after `seconds`, naming what is missing and the remedy; errors of a server as they come.
    """
    deadline = time.monotonic() + seconds
    said = ""
    while missing := _missing(database, settings):
        if time.monotonic() > deadline:
            raise NotProvisionedError(f"still missing after {seconds:.0f} s: {missing}; trigger the DAG bootstrap")
        if missing != said:
            _log.info("waiting for %s", missing)
            said = missing
        time.sleep(_PAUSE_SECONDS)


def _missing(database: Database, settings: Settings) -> str:
    with database.session() as connection, closing(connection.cursor()) as cursor:
        cursor.execute("SELECT table_schema, table_name FROM information_schema.tables")
        if tables := _TABLES - {(schema, table) for schema, table in cursor.fetchall()}:
            return "the table " + ", ".join(sorted(".".join(table) for table in tables))
        cursor.execute(f"SELECT 1 FROM {names.USERS_DATABASE}.{names.LOADS_TABLE} LIMIT 1")  # noqa: S608
        if cursor.fetchone() is None:
            return "a first load of the users dimension"
    client = AdminClient({"bootstrap.servers": settings.kafka_bootstrap})
    topics = {names.LOGS_TOPIC, names.STATUS_TOPIC} - client.list_topics(timeout=_KAFKA_SECONDS).topics.keys()
    return "the topic " + ", ".join(sorted(topics)) if topics else ""
