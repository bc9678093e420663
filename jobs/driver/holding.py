"""The lease (promise 3 of docs/contract.md): a new holder gets the next epoch, and earlier ones can no longer write."""

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
"""How often the holder renews the lease; include/driver/lease.py defines when it expires."""

_LOOK_AGAIN_SECONDS: Final = 0.3

_log = logging.getLogger("logsieve.lease")


class LeaseLostError(EndError):
    """Another driver has taken the lease: this one must not write anymore."""

    exit_code = DriverEnd.TAKEN_OVER


class LeaseHeldError(EndError):
    """Another running driver holds the lease: a second one is not needed."""

    exit_code = DriverEnd.ANOTHER_LIVES


class StopAskedError(EndError):
    """A person stopped this owner's stream: the owner's next try must not start it again."""

    exit_code = 0


@dataclass(frozen=True)
class Lease:
    """Permission to write, as long as the table has this epoch under this name."""

    name: str
    epoch: int

    def check(self, cursor: MySQLCursorAbstract) -> None:
        """Call this last before a commit: no other driver can then take the lease until it. Raises LeaseLostError."""
        row = lease.read(cursor, self.name, "FOR SHARE")
        if row is None or row.epoch != self.epoch:
            raise LeaseLostError(f"{self} has ended: another driver took over; nothing was written")

    def record_users_version(self, database: Database, version: int) -> None:
        """Records that no verdict uses an older users history anymore. Raises mysql.connector.Error."""
        with database.session() as connection, closing(connection.cursor()) as cursor:
            lease.set_users_version(cursor, self.name, self.epoch, version)
            connection.commit()


def take(
    database: Database,
    name: str,
    owner: str,
    take_over: bool = False,
    holder: lease.Holder | None = None,
    pause: Callable[[float], object] = time.sleep,
) -> Lease:
    """Takes the lease with the next epoch, after pending commits of the old epoch; waits for the old holder to exit.

    `holder`: the process that judges, by default this one; the next driver waits until it has exited.
    `owner`: the requester of a driver, such as an Airflow run. A retry of the same owner takes the lease from its own
    orphaned driver at once; another owner's lease is taken if its holder is dead (see `_patience`) or with `take_over`.
    Raises LeaseHeldError as soon as another owner's holder renews its heartbeat, and StopAskedError.
    `pause` waits for the given seconds and may raise.
    """
    holder = holder or lease.Holder(socket.gethostname(), os.getpid())
    seen, begun = None, time.monotonic()
    while True:
        with database.session() as connection, closing(connection.cursor()) as cursor:
            lease.make(cursor, name)
            found = lease.read(cursor, name, "FOR UPDATE")
            assert found is not None  # noqa: S101  # created by `make`
            if found.stop_asked and found.owner == owner:
                raise StopAskedError(f"the stream of {owner} was asked to stop and stays stopped")
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
                f"the driver {found.holder} of {found.owner} is running (heartbeat {heartbeat}):"
                " stop it, or use --take-over"
            )
        seen = heartbeat
        pause(_LOOK_AGAIN_SECONDS)
    if found.holder != holder:
        _wait_for_exit(database, Lease(name, found.epoch), found.holder, begun + patience, pause)
    return Lease(name, found.epoch + 1)


def _patience(heartbeat: datetime, now: datetime) -> float:
    """How many seconds, on the monotonic clock, a heartbeat must stay unchanged until its holder counts as dead.

    An old heartbeat needs less time, but always enough for a running holder to write another: the clock may have been
    set forward. One from the future, after the clock was set back, is treated like a new one.
    """
    age = max(now - heartbeat, timedelta())
    return max(lease.LASTS - age, 2 * HEARTBEAT).total_seconds()


def _wait_for_exit(
    database: Database, other: Lease, holder: lease.Holder, deadline: float, pause: Callable[[float], object]
) -> None:
    """Waits until the previous holder has recorded its end or is dead: logs it still judges would be judged twice.

    A holder on this host that does not exit by the deadline, because it is frozen or hangs, is killed. A holder on
    another host is not waited for any longer.
    """
    process = holder.process if holder.host == socket.gethostname() else None
    while holder.host and not (process and _is_gone(process)):
        has_ended, is_late = False, time.monotonic() > deadline
        # While MySQL is down, the clock and the process list are enough.
        with suppress(mysql.connector.Error), database.session() as connection, closing(connection.cursor()) as cursor:
            row = lease.read(cursor, other.name)
            has_ended = row is not None and row.ended_epoch >= other.epoch
        if has_ended or (is_late and not process):
            return
        if is_late:
            _log.warning("the driver %s has lost its lease but has not exited: killing it", holder)
            with suppress(psutil.NoSuchProcess):
                psutil.Process(process).kill()
        pause(_LOOK_AGAIN_SECONDS)


def _is_gone(process: int) -> bool:
    """Whether no driver has this process id, which another program may have by now."""
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
    """Renews the lease from a thread; at the end marks it as free, if `at_end` returns that judging has finished.

    The thread calls `on_lost` once another driver has the lease, and `on_stop` once a person has asked the stream to
    stop. It reports failures to renew the lease to `troubles`, and continues.
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
            _log.warning("could not record this driver's end; the next one waits for %s: %s", lease.LASTS, error)


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
            # Nothing is at risk: a driver that takes the lease meanwhile changes its epoch, which blocks our commits.
            if trouble := mysql_trouble.of(error):
                troubles.report("lease", trouble)
            continue
        troubles.clear("lease")
        if row is None or row.epoch != ours.epoch:
            on_lost(LeaseLostError(f"{ours} has ended: another driver took over, this one exits"))
            return
        if row.stop_asked:
            on_stop()


def _write(database: Database, ours: Lease, write: Callable[[Any, str, int], None]) -> lease.Row | None:
    """Returns the row after the write, or None if there is none. Writes nothing if the epoch is another driver's."""
    with database.session() as connection, closing(connection.cursor()) as cursor:
        write(cursor, ours.name, ours.epoch)
        row = lease.read(cursor, ours.name)
        connection.commit()
    return row
