"""The stream's lease and stop mark for the page's buttons, through the DAGs' MySQL account."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import mysql.connector

from include.driver import lease
from include.watch import mysql_trouble
from plugins.outside import Connections
from plugins.page.errors import PageError


def set_stop_mark() -> bool:
    """Sets the stop mark; returns whether a live driver will detect it."""
    with _mysql() as connection, closing(connection.cursor()) as cursor:
        lease.ask_to_stop(cursor)
        connection.commit()
        return lease.look(cursor).is_alive


def is_stopping() -> bool:
    """Whether the stream was asked to stop and its driver has exited."""
    with _mysql() as connection, closing(connection.cursor()) as cursor:
        driver = lease.look(cursor)
        return driver.stop_asked and not driver.is_alive


@contextmanager
def _mysql() -> Iterator[Any]:
    """A connection of the DAGs' MySQL account. Raises PageError."""
    try:
        with closing(Connections().mysql()) as connection:
            yield connection
    except mysql.connector.Error as error:
        trouble = mysql_trouble.explain(error)
        raise PageError(503, f"{trouble.sentence}.", f"{trouble.remedy}.") from error
