"""The lease of promise 3: one driver writes. Who takes it gets the next epoch, and whoever had it writes no more."""

import logging
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import mysql.connector
from mysql.connector.abstracts import MySQLCursorAbstract

from include import names
from jobs.database import Database, number

HEARTBEAT: Final = timedelta(seconds=2)
"""How often the holder renews it; include/health.py tells when it is free."""

_TABLE: Final = f"{names.LOGS_DATABASE}.{names.LEASE_TABLE}"
_EPOCH: Final = f"SELECT epoch FROM {_TABLE} WHERE name = %s"  # noqa: S608  # the names are ours, here and below
_TAKE: Final = (
    f"INSERT INTO {_TABLE} (name, epoch, holder, heartbeat_at) VALUES (%s, 1, %s, UTC_TIMESTAMP(3))"  # noqa: S608
    " ON DUPLICATE KEY UPDATE epoch = epoch + 1, holder = VALUES(holder), heartbeat_at = VALUES(heartbeat_at)"
)
_BEAT: Final = f"UPDATE {_TABLE} SET heartbeat_at = UTC_TIMESTAMP(3) WHERE name = %s AND epoch = %s"  # noqa: S608
_FREE: Final = f"UPDATE {_TABLE} SET heartbeat_at = '1970-01-01' WHERE name = %s AND epoch = %s"  # noqa: S608
_log = logging.getLogger("logsieve.lease")


class LeaseLostError(RuntimeError):
    """Another driver has taken the lease: this one must not write any more."""


@dataclass(frozen=True)
class Lease:
    """The right to write, as long as the table has this epoch under this name."""

    name: str
    epoch: int

    def check(self, cursor: MySQLCursorAbstract) -> None:
        """To be called last before a commit. Raises LeaseLostError; else nobody takes the lease before that commit."""
        epoch = number(cursor, f"{_EPOCH} FOR SHARE", self.name)
        if epoch != self.epoch:
            raise LeaseLostError(f"{self} is over, the epoch is {epoch} now; nothing is written")


def take(database: Database, name: str, holder: str) -> Lease:
    """Raises the epoch by one, whoever held it. Waits for transactions that are about to commit under the old one."""
    with database.session() as connection, closing(connection.cursor()) as cursor:
        cursor.execute(_TAKE, (name, holder))
        epoch = number(cursor, _EPOCH, name)
        connection.commit()
    assert epoch is not None  # noqa: S101  # written in the same transaction
    return Lease(name, epoch)


@contextmanager
def held(database: Database, name: str, on_lost: Callable[[], None]) -> Iterator[Lease]:
    """The lease, kept alive by a thread that calls `on_lost` once it is another's; marked as free at an orderly end."""
    lease = take(database, name, f"{socket.gethostname()}:{os.getpid()}")
    ended = threading.Event()
    thread = threading.Thread(target=_keep, args=(database, lease, ended, on_lost), name="lease", daemon=True)
    thread.start()
    try:
        yield lease
    finally:
        ended.set()
        thread.join()
    _beat(database, lease, _FREE)


def _keep(database: Database, lease: Lease, ended: threading.Event, on_lost: Callable[[], None]) -> None:
    while not ended.wait(HEARTBEAT.total_seconds()):
        try:
            is_ours = _beat(database, lease, _BEAT)
        except mysql.connector.Error as error:
            # MySQL may be away for a moment. Nothing is at risk: without it, load cannot commit either.
            _log.warning("heartbeat failed, next in %s: %s", HEARTBEAT, error)
            continue
        if not is_ours:
            on_lost()
            return


def _beat(database: Database, lease: Lease, update: str) -> bool:
    """Whether the lease is still ours; only then the update has done anything."""
    with database.session() as connection, closing(connection.cursor()) as cursor:
        cursor.execute(update, (lease.name, lease.epoch))
        epoch = number(cursor, _EPOCH, lease.name)
        connection.commit()
    return epoch == lease.epoch
