"""The Spark application's MySQL connections.

The module is not named `mysql.py`, which would shadow the library: spark-submit puts jobs/ on the path.
"""

import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Final

import mysql.connector
from mysql.connector.abstracts import MySQLConnectionAbstract, MySQLCursorAbstract

from include.clients.mysql import Address
from include.settings import Settings

_SESSION: Final[Mapping[str, str]] = {
    # Under REPEATABLE READ, a replay's deletes lock gaps that other partitions insert into.
    "transaction_isolation": "'READ-COMMITTED'",
    # A wait for a lock, such as an ALTER TABLE's, fails early, to be reported and retried; the default is a year.
    "lock_wait_timeout": "5",
    "innodb_lock_wait_timeout": "5",
    # Settings of the whole server must not change what our statements mean.
    "sql_mode": "'STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION'",
    "transaction_read_only": "0",
    "max_execution_time": "0",
    "sql_select_limit": "18446744073709551615",
    "sql_safe_updates": "0",
    "completion_type": "0",
}
_OURS: Final = "SET SESSION " + ", ".join(f"{name} = {value}" for name, value in _SESSION.items())
_ANSWER_SECONDS: Final = 30
"""How long the server may take for one answer: a frozen one would block its thread indefinitely."""


@dataclass(frozen=True)
class Database:
    """Address and account of a MySQL server."""

    address: Address
    user: str
    password: str = field(repr=False)

    @classmethod
    def of(cls, settings: Settings) -> "Database":
        """Returns the configured database, with the stream's account."""
        password = settings.mysql_stream_password.get_secret_value()
        return cls(Address.of(settings), settings.mysql_stream_user, password)

    def connect(self) -> MySQLConnectionAbstract:
        """Opens a connection in UTC, without autocommit; closing it rolls back. Raises mysql.connector.Error."""
        connection = mysql.connector.connect(
            **self.address.options,
            user=self.user,
            password=self.password,
            charset="utf8mb4",
            time_zone="+00:00",
            allow_local_infile=True,
            connection_timeout=10,
            use_pure=True,
        )
        assert isinstance(connection, MySQLConnectionAbstract)  # noqa: S101  # no pool is asked for
        own: socket.socket = connection._socket.sock  # type: ignore[attr-defined]  # there is no public access
        if own.family != socket.AF_UNIX:
            _tune(own)
        connection.cmd_query(_OURS)
        return connection

    @contextmanager
    def session(self) -> Iterator[MySQLConnectionAbstract]:
        """This thread's connection, reused across calls: TLS and login cost more than a small batch.

        Uncommitted changes are rolled back at the end; after an error the connection is closed.
        """
        connection = _kept.connections.pop(self, None)
        if connection is None or not connection.is_connected():
            connection = self.connect()
            connection.read_timeout = _ANSWER_SECONDS
        thread = threading.current_thread().name
        _in_use[thread] = connection
        try:
            yield connection
            if connection.in_transaction or connection.unread_result:  # a request less after a commit
                connection.rollback()
        except BaseException:
            connection.close()
            raise
        finally:
            _in_use.pop(thread, None)
        _kept.connections[self] = connection


def _tune(tcp: socket.socket) -> None:
    # Otherwise the last two packets of a LOAD DATA LOCAL wait 40 ms for each other; the connector has no setting.
    tcp.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    # Detects within half a minute that a server vanished: the connector itself waits indefinitely.
    tcp.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in ((socket.TCP_KEEPIDLE, 10), (socket.TCP_KEEPINTVL, 5), (socket.TCP_KEEPCNT, 4)):
        tcp.setsockopt(socket.IPPROTO_TCP, option, value)


class _Kept(threading.local):
    def __init__(self) -> None:
        self.connections: dict[Database, MySQLConnectionAbstract] = {}


_kept = _Kept()
_in_use: dict[str, MySQLConnectionAbstract] = {}
"""By the name of the thread that uses it."""


def cut(threads: str) -> None:
    """Cuts the connections in use by threads whose names start with `threads`: their pending calls fail at once.

    The server rolls back what they have not committed.
    """
    for name, connection in list(_in_use.items()):
        if name.startswith(threads):
            with suppress(OSError, AttributeError):  # closed in the meantime
                own: socket.socket = connection._socket.sock  # type: ignore[attr-defined]  # as above
                # Below TLS: its own shutdown must not be sent by two threads at once.
                socket.socket.shutdown(own, socket.SHUT_RDWR)


def describe(error: Exception) -> str:
    """The error with its class, which identifies MySQL's errors: the connector's in Python, JDBC's in Spark's text."""
    return f"{type(error).__module__}.{type(error).__name__}: {error}"


def number(cursor: MySQLCursorAbstract, query: str, *parameters: Any) -> int | None:
    """Returns the integer that the query selects, or None if it selects no row."""
    cursor.execute(query, parameters)
    row: Any = cursor.fetchone()
    return None if row is None else int(row[0])
