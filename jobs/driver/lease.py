"""The lease (promise 3 of docs/contract.md): a new holder gets the next epoch, and the one before writes no more."""

import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import mysql.connector
import psutil
from mysql.connector.abstracts import MySQLCursorAbstract

from include import names
from include.driver.exit_codes import DriverEnd
from include.watch import mysql_trouble
from include.watch.health import LEASE_LASTS
from include.watch.troubles import Troubles
from jobs.database import Database, number
from jobs.ends import EndError

HEARTBEAT: Final = timedelta(seconds=2)
"""How often the holder renews it; include/watch/health.py tells when it is free."""

_TABLE: Final = f"{names.LOGS_DATABASE}.{names.LEASE_TABLE}"
_NOBODY: Final = "'1970-01-01'"
_FREE: Final = datetime(1970, 1, 1)
_EPOCH: Final = f"SELECT epoch FROM {_TABLE} WHERE name = %s"  # noqa: S608  # the names are ours, here and below
_KNOWN: Final = (
    f"INSERT IGNORE INTO {_TABLE} (name, epoch, owner, holder, heartbeat_at)"  # noqa: S608
    f" VALUES (%s, 0, '', '', {_NOBODY})"
)
_LOOK: Final = (
    "SELECT owner, holder, heartbeat_at, UTC_TIMESTAMP(3), stop_asked_at IS NOT NULL"  # noqa: S608
    f" FROM {_TABLE} WHERE name = %s FOR UPDATE"
)
_TAKE: Final = (
    f"UPDATE {_TABLE} SET epoch = epoch + 1, owner = %s, holder = %s, heartbeat_at = UTC_TIMESTAMP(3)"  # noqa: S608
    ", stop_asked_at = NULL, users_version = NULL WHERE name = %s"
)
_BEAT: Final = f"UPDATE {_TABLE} SET heartbeat_at = UTC_TIMESTAMP(3) WHERE name = %(name)s AND epoch = %(epoch)s"  # noqa: S608
_END: Final = (
    f"UPDATE {_TABLE} SET heartbeat_at = IF(epoch = %(epoch)s, {_NOBODY}, heartbeat_at),"  # noqa: S608
    " ended_epoch = GREATEST(ended_epoch, %(epoch)s) WHERE name = %(name)s"
)
_USERS: Final = f"UPDATE {_TABLE} SET users_version = %s WHERE name = %s AND epoch = %s"  # noqa: S608
_ENDED: Final = f"SELECT ended_epoch >= %s FROM {_TABLE} WHERE name = %s"  # noqa: S608
_STATE: Final = f"SELECT epoch, stop_asked_at IS NOT NULL FROM {_TABLE} WHERE name = %s"  # noqa: S608
_LOOK_AGAIN_SECONDS: Final = 0.3

_log = logging.getLogger("logsieve.lease")


class LeaseLostError(EndError):
    """Another driver has taken the lease: this one must not write any more."""

    exit_code = DriverEnd.TAKEN_OVER


class LeaseHeldError(EndError):
    """Another driver lives and holds the lease: a second one is not needed."""

    exit_code = DriverEnd.ANOTHER_LIVES


class StopAskedError(EndError):
    """A person has stopped this owner's stream: its next try must not bring it back."""

    exit_code = 0


@dataclass(frozen=True)
class Lease:
    """The right to write, as long as the table has this epoch under this name."""

    name: str
    epoch: int

    def check(self, cursor: MySQLCursorAbstract) -> None:
        """To be called last before a commit. Raises LeaseLostError; else nobody takes the lease before that commit."""
        epoch = number(cursor, f"{_EPOCH} FOR SHARE", self.name)
        if epoch != self.epoch:
            raise LeaseLostError(f"{self} is over: another driver took over, with epoch {epoch}; nothing is written")

    def tell_users_version(self, database: Database, version: int) -> None:
        """Writes that no verdict is given with an older users history any more. Raises mysql.connector.Error."""
        with database.session() as connection, closing(connection.cursor()) as cursor:
            cursor.execute(_USERS, (version, self.name, self.epoch))
            connection.commit()


def take(
    database: Database,
    name: str,
    owner: str,
    take_over: bool = False,
    process: int | None = None,
    pause: Callable[[float], object] = time.sleep,
) -> Lease:
    """Raises the epoch by one. Waits for transactions that are about to commit under the old one, and for its holder.

    `process`: the id of the one that judges, none: this one. The next driver waits until it is gone.
    `owner` is who wants a driver, as an Airflow run: its next try takes the lease from its own orphan at once. Another
    owner's is taken when its holder is dead, see `_patience`, or with `take_over`.
    Raises LeaseHeldError as soon as another owner's holder shows a new heartbeat, and StopAskedError.
    `pause` waits for so many seconds, and may raise.
    """
    holder, seen, begun = f"{socket.gethostname()}:{process or os.getpid()}", None, time.monotonic()
    while True:
        with database.session() as connection, closing(connection.cursor()) as cursor:
            cursor.execute(_KNOWN, (name,))
            cursor.execute(_LOOK, (name,))
            row: Any = cursor.fetchone()
            its_owner, its_holder, heartbeat, now, stop_asked = row
            if stop_asked and its_owner == owner:
                raise StopAskedError(f"the stream of {owner} was asked to stop, and stays stopped")
            if seen is None:
                patience = _patience(heartbeat, now)
            is_dead = heartbeat == _FREE or (seen == heartbeat and time.monotonic() - begun > patience)
            if take_over or its_owner == owner or is_dead:
                cursor.execute(_TAKE, (owner, holder, name))
                epoch = number(cursor, _EPOCH, name)
                connection.commit()
                assert epoch is not None  # noqa: S101  # written in the same transaction
                break
            connection.commit()
        if seen not in (None, heartbeat):
            raise LeaseHeldError(
                f"the driver {its_holder} of {its_owner} lives (heartbeat {heartbeat}); stop it first, or --take-over"
            )
        seen = heartbeat
        pause(_LOOK_AGAIN_SECONDS)
    if its_holder != holder:
        _wait_for_the_end(database, Lease(name, epoch - 1), its_holder, begun + patience, pause)
    return Lease(name, epoch)


def _patience(heartbeat: datetime, now: datetime) -> float:
    """For how many seconds to look at a heartbeat, by a clock that nobody sets, until it is taken for that of a dead.

    One that is old already needs less, but always so long that a living holder would have written another: a clock may
    have been set forward. One from the future, as the clock was set back, gets as long as a new one.
    """
    age = max(now - heartbeat, timedelta())
    return max(LEASE_LASTS - age, 2 * HEARTBEAT).total_seconds()


def _wait_for_the_end(
    database: Database, other: Lease, holder: str, deadline: float, pause: Callable[[float], object]
) -> None:
    """Until who had the lease has told its end, or is dead: what it still judges would be judged twice.

    One on this host that does not end in time, as it is frozen or hangs, is killed; one elsewhere is not waited for.
    """
    host, _, pid = holder.rpartition(":")
    process = int(pid) if host == socket.gethostname() else None
    while host and not (process and _is_gone(process)):
        has_ended, is_late = False, time.monotonic() > deadline
        # Where MySQL is away, the clock and the process still tell.
        with suppress(mysql.connector.Error), database.session() as connection, closing(connection.cursor()) as cursor:
            has_ended = bool(number(cursor, _ENDED, other.epoch, other.name))
        if has_ended or (is_late and not process):
            return
        if is_late:
            _log.warning("the driver %s has lost its lease and has not ended: it is killed", holder)
            with suppress(psutil.NoSuchProcess):
                psutil.Process(process).kill()
        pause(_LOOK_AGAIN_SECONDS)


def _is_gone(process: int) -> bool:
    """Whether no driver has this process id: it may be another program's by now."""
    try:
        found = psutil.Process(process)
        return not any(word.endswith(f"{names.DRIVER}.py") for word in found.cmdline())
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return True


@contextmanager
def held(
    lease: Lease,
    database: Database,
    on_lost: Callable[[LeaseLostError], None],
    on_stop: Callable[[], None],
    at_end: Callable[[], bool] = lambda: True,
    troubles: Troubles | None = None,
) -> Iterator[None]:
    """Keeps the lease alive by a thread; at the end marks it as free, if `at_end` says that nothing is judged any more.

    The thread calls `on_lost` once the lease is another's, and `on_stop` once a person has asked the stream to stop.
    What keeps it from renewing the lease it tells the `troubles`, and goes on.
    """
    ended = threading.Event()
    keep = (database, lease, ended, on_lost, on_stop, troubles or Troubles())
    thread = threading.Thread(target=_keep, args=keep, name="lease", daemon=True)
    thread.start()
    try:
        yield
    finally:
        try:
            is_over = at_end()
        finally:
            ended.set()
            thread.join()
        try:
            if is_over:
                _beat(database, lease, _END)
        except (mysql.connector.Error, OSError) as error:
            _log.warning("not told that this driver has ended, the next one waits for %s: %s", LEASE_LASTS, error)


def _keep(
    database: Database,
    lease: Lease,
    ended: threading.Event,
    on_lost: Callable[[LeaseLostError], None],
    on_stop: Callable[[], None],
    troubles: Troubles,
) -> None:
    while not ended.wait(HEARTBEAT.total_seconds()):
        try:
            epoch, stop_asked = _beat(database, lease, _BEAT)
        except (mysql.connector.Error, OSError) as error:
            # Nothing is at risk: whoever takes the lease meanwhile changes its epoch, and nothing of ours is committed.
            if trouble := mysql_trouble.of(error):
                troubles.tell("lease", trouble)
            continue
        troubles.clear("lease")
        if epoch != lease.epoch:
            on_lost(LeaseLostError(f"{lease} is over: another driver took over, this one ends"))
            return
        if stop_asked:
            on_stop()


def _beat(database: Database, lease: Lease, update: str) -> tuple[int | None, bool]:
    """The epoch, None where the row is gone, and whether a stop is asked for. Only if the epoch is still ours, the
    update has done anything."""
    with database.session() as connection, closing(connection.cursor()) as cursor:
        cursor.execute(update, {"name": lease.name, "epoch": lease.epoch})
        cursor.execute(_STATE, (lease.name,))
        row: Any = cursor.fetchone()
        connection.commit()
    return (row[0], bool(row[1])) if row else (None, False)
