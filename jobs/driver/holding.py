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
from include.driver import lease
from include.driver.exit_codes import DriverEnd
from include.watch import mysql_trouble
from include.watch.troubles import Troubles
from jobs.database import Database
from jobs.ends import EndError

HEARTBEAT: Final = timedelta(seconds=2)
"""How often the holder renews it; include/driver/lease.py says when it is free."""

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
        row = lease.read(cursor, self.name, "FOR SHARE")
        if row is None or row.epoch != self.epoch:
            raise LeaseLostError(f"{self} is over: another driver took over; nothing is written")

    def tell_users_version(self, database: Database, version: int) -> None:
        """Writes that no verdict is given with an older users history any more. Raises mysql.connector.Error."""
        with database.session() as connection, closing(connection.cursor()) as cursor:
            lease.set_users_version(cursor, self.name, self.epoch, version)
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
            lease.make(cursor, name)
            found = lease.read(cursor, name, "FOR UPDATE")
            assert found is not None  # noqa: S101  # made just before
            if found.stop_asked and found.owner == owner:
                raise StopAskedError(f"the stream of {owner} was asked to stop, and stays stopped")
            heartbeat = found.heartbeat_at or lease.FREE
            if seen is None:
                patience = _patience(heartbeat, found.now)
            is_dead = heartbeat == lease.FREE or (seen == heartbeat and time.monotonic() - begun > patience)
            if take_over or found.owner == owner or is_dead:
                lease.take(cursor, name, owner, holder)
                connection.commit()
                break
            connection.commit()
        if seen not in (None, heartbeat):
            raise LeaseHeldError(
                f"the driver {found.holder} of {found.owner} lives (heartbeat {heartbeat}): stop it, or --take-over"
            )
        seen = heartbeat
        pause(_LOOK_AGAIN_SECONDS)
    if found.holder != holder:
        _wait_for_the_end(database, Lease(name, found.epoch), found.holder, begun + patience, pause)
    return Lease(name, found.epoch + 1)


def _patience(heartbeat: datetime, now: datetime) -> float:
    """For how many seconds to look at a heartbeat, by a clock that nobody sets, until it is taken for that of a dead.

    One that is old already needs less, but always so long that a living holder would have written another: a clock may
    have been set forward. One from the future, as the clock was set back, gets as long as a new one.
    """
    age = max(now - heartbeat, timedelta())
    return max(lease.LASTS - age, 2 * HEARTBEAT).total_seconds()


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
            row = lease.read(cursor, other.name)
            has_ended = row is not None and row.ended_epoch >= other.epoch
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
    ours: Lease,
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
    keep = (database, ours, ended, on_lost, on_stop, troubles or Troubles())
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
                _write(database, ours, lease.end)
        except (mysql.connector.Error, OSError) as error:
            _log.warning("not told that this driver has ended, the next one waits for %s: %s", lease.LASTS, error)


def _keep(
    database: Database,
    ours: Lease,
    ended: threading.Event,
    on_lost: Callable[[LeaseLostError], None],
    on_stop: Callable[[], None],
    troubles: Troubles,
) -> None:
    while not ended.wait(HEARTBEAT.total_seconds()):
        try:
            row = _write(database, ours, lease.renew)
        except (mysql.connector.Error, OSError) as error:
            # Nothing is at risk: whoever takes the lease meanwhile changes its epoch, and nothing of ours is committed.
            if trouble := mysql_trouble.of(error):
                troubles.report("lease", trouble)
            continue
        troubles.clear("lease")
        if row is None or row.epoch != ours.epoch:
            on_lost(LeaseLostError(f"{ours} is over: another driver took over, this one ends"))
            return
        if row.stop_asked:
            on_stop()


def _write(database: Database, ours: Lease, write: Callable[[Any, str, int], None]) -> lease.Row | None:
    """The row after it, None where it is gone. It has written nothing if the epoch is another's."""
    with database.session() as connection, closing(connection.cursor()) as cursor:
        write(cursor, ours.name, ours.epoch)
        row = lease.read(cursor, ours.name)
        connection.commit()
    return row
