"""The topics, tables and users that the stream needs before it can judge, all created by the DAG `bootstrap`."""

import logging
import time
from collections.abc import Callable
from contextlib import closing
from typing import Final

from include import names, retries
from include.clients.outside import Outside
from include.contract import reading
from include.driver.exit_codes import DriverEnd
from jobs.database import Database
from jobs.ends import EndError

_USERS_TABLES: Final = (names.HISTORY_TABLE, names.VERSION_TABLE, names.CHANGES_TABLE, names.LOADS_TABLE)
# Without the tables that only load writes: if one of those is missing, logs are judged while load waits and reports it.
_LOGS_TABLES: Final = (
    names.PROGRESS_TABLE,
    names.LEASE_TABLE,
    names.TOPIC_IDS_TABLE,
    names.BEGUN_TABLE,
    names.CONTRACTS_TABLE,
)
_KAFKA_SECONDS: Final = 10
_PAUSE_SECONDS: Final = 0.3
_BOOTSTRAP: Final = "trigger the DAG bootstrap"

_log = logging.getLogger("logsieve.inputs")


class NotProvisionedError(EndError):
    """A topic, a table or the users dimension was not created in time."""

    exit_code = DriverEnd.NOT_PROVISIONED


def wait(database: Database, outside: Outside, seconds: float, pause: Callable[[float], object] = time.sleep) -> None:
    """Waits for topics, tables and a first load of the users dimension, without which every log would be suspicious.

    Raises NotProvisionedError after `seconds`, naming what is missing and the remedy, and passes on servers' errors.
    `pause` waits for the given seconds and may raise.
    """
    logged = ""

    def look() -> tuple[str, str] | None:
        nonlocal logged
        found = _missing(database, outside)
        if found and found[0] != logged:
            logged = found[0]
            _log.info("waiting for %s", logged)
        return found

    def late(found: tuple[str, str] | None) -> NotProvisionedError:
        missing, remedy = found or ("", "")
        return NotProvisionedError(f"still missing after {seconds:.0f} s: {missing}; {remedy}")

    retries.until(look, seconds, late, done=lambda found: found is None, pause=_PAUSE_SECONDS, sleep=pause)


def _tables() -> set[tuple[str, str]]:
    """Database and name of each table that the stream needs."""
    users = _USERS_TABLES if reading.current().dimension else ()
    return {
        *((names.LOGS_DATABASE, table) for table in _LOGS_TABLES),
        *((names.USERS_DATABASE, table) for table in users),
    }


def _missing(database: Database, outside: Outside) -> tuple[str, str] | None:
    """Returns what is missing and the remedy, or None."""
    needed = _tables()
    with database.session() as connection, closing(connection.cursor()) as cursor:
        cursor.execute("SELECT table_schema, table_name FROM information_schema.tables")
        if tables := needed - {(schema, table) for schema, table in cursor.fetchall()}:
            # MySQL lists a table only to accounts that may use it.
            missing = "the table " + ", ".join(sorted(".".join(table) for table in tables)) + ", or the privilege on it"
            return missing, _BOOTSTRAP
        if reading.current().dimension:
            cursor.execute(f"SELECT 1 FROM {names.USERS_DATABASE}.{names.LOADS_TABLE} LIMIT 1")
            if cursor.fetchone() is None:
                return "a first load of the users dimension", _BOOTSTRAP
    found = outside.admin().list_topics(timeout=_KAFKA_SECONDS).topics
    if topics := {names.LOGS_TOPIC, names.STATUS_TOPIC} - found.keys():
        return "the topic " + ", ".join(sorted(topics)), _BOOTSTRAP
    logs, status = (len(found[topic].partitions) for topic in (names.LOGS_TOPIC, names.STATUS_TOPIC))
    if logs > status:
        # A verdict is sent to the partition with the number of its log's partition.
        missing = f"partitions of {names.STATUS_TOPIC}, which has {status}, while {names.LOGS_TOPIC} has {logs}"
        return missing, f"add them: ./logsieve topics --partitions {logs}"
    return None
