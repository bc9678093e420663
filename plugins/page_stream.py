"""The stream's lease and stop mark, as the page's buttons need them: by the account that the DAGs use."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from typing import Any

import mysql.connector
from airflow.sdk import BaseHook

from include import mysql_trouble
from include.health import lease_is_free
from include.names import DRIVER, LEASE_TABLE, LOGS_DATABASE
from include.stop_mark import ask_to_stop
from plugins.page_errors import PageError

_LEASE = (
    "SELECT heartbeat_at, UTC_TIMESTAMP(3), stop_asked_at IS NOT NULL"  # noqa: S608
    f" FROM {LOGS_DATABASE}.{LEASE_TABLE} WHERE name = %s"
)


def leave_the_mark() -> bool:
    """Asks the stream to stop; whether a driver lives that sees it."""
    with _mysql() as connection, closing(connection.cursor()) as cursor:
        ask_to_stop(cursor)
        connection.commit()
        lives, _ = _driver(cursor)
        return lives


def is_stopping() -> bool:
    """Whether the stream was asked to stop and its driver has gone."""
    with _mysql() as connection, closing(connection.cursor()) as cursor:
        lives, asked = _driver(cursor)
        return asked and not lives


def _driver(cursor: Any) -> tuple[bool, bool]:
    cursor.execute(_LEASE, (DRIVER,))
    heartbeat_at, now, asked = cursor.fetchone() or (None, datetime.max, False)
    return not lease_is_free(heartbeat_at, now), bool(asked)


@contextmanager
def _mysql() -> Iterator[Any]:
    """A connection by the account that the DAGs use."""
    try:
        with closing(BaseHook.get_hook("mysql").get_conn()) as connection:
            yield connection
    except mysql.connector.Error as error:
        trouble = mysql_trouble.explain(error)
        raise PageError(503, f"{trouble.sentence}.", f"{trouble.remedy}.") from error
