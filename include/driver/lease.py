"""The driver's lease: its row in MySQL, every statement that reads or writes it, and the rule for when it is free.

Works with any DB-API cursor; the caller commits. jobs/driver/holding.py takes and renews the lease.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal, NamedTuple

from include.clients.outside import LOCKS
from include.names import DRIVER, LEASE_TABLE, LOGS_DATABASE

LASTS: Final = timedelta(seconds=10)
"""A driver that has not renewed its lease for this long counts as dead."""
FREE: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""Heartbeat of a lease that its driver has released."""
HOW_TO_RESTART: Final = "`./logsieve stream start` restarts it, and no log is lost"

_TABLE: Final = f"{LOGS_DATABASE}.{LEASE_TABLE}"
_FREE: Final = f"'{FREE:%Y-%m-%d}'"
_READ: Final = (
    "SELECT epoch, owner, holder, heartbeat_at, UTC_TIMESTAMP(3), stop_asked_at IS NOT NULL, ended_epoch, users_version"
    f" FROM {_TABLE} WHERE name = %s"
)
_MAKE: Final = f"INSERT IGNORE INTO {_TABLE} (name, epoch, owner, holder, heartbeat_at) VALUES (%s, 0, '', '', {_FREE})"
_TAKE: Final = (
    f"UPDATE {_TABLE} SET epoch = epoch + 1, owner = %s, holder = %s, heartbeat_at = UTC_TIMESTAMP(3)"
    ", stop_asked_at = NULL, users_version = NULL WHERE name = %s"
)
_RENEW: Final = f"UPDATE {_TABLE} SET heartbeat_at = UTC_TIMESTAMP(3) WHERE name = %s AND epoch = %s"
_END: Final = (
    f"UPDATE {_TABLE} SET heartbeat_at = IF(epoch = %s, {_FREE}, heartbeat_at),"
    " ended_epoch = GREATEST(ended_epoch, %s) WHERE name = %s"
)
_USERS: Final = f"UPDATE {_TABLE} SET users_version = %s WHERE name = %s AND epoch = %s"
_FENCE: Final = f"UPDATE {_TABLE} SET epoch = epoch + 1 WHERE name = %s"
_STOP: Final = f"UPDATE {_TABLE} SET stop_asked_at = UTC_TIMESTAMP(3) WHERE name = %s"


class Holder(NamedTuple):
    """Who holds a lease. As text, in the column `holder`: `host:process` or `host:process application`."""

    host: str
    """Empty: nobody has ever held the lease."""
    process: int
    """Process id of the JVM."""
    application: str = ""
    """By which Airflow follows the driver; empty: the driver is a child of Airflow's task, or nobody's."""

    @classmethod
    def of(cls, text: str) -> "Holder":
        """The holder of that text."""
        address, _, application = text.partition(" ")
        host, _, process = address.rpartition(":")
        return cls(host, int(process or 0), application)

    def __str__(self) -> str:
        return f"{self.host}:{self.process} {self.application}".rstrip()


_NOBODY: Final = Holder("", 0)


@dataclass(frozen=True)
class Driver:
    """Whether a driver is alive, according to the lease."""

    heartbeat_at: datetime | None
    """UTC; None: the lease was never taken."""
    now: datetime
    """UTC, by MySQL's clock."""
    stop_asked: bool = False

    @property
    def is_alive(self) -> bool:
        """Whether a driver is alive and judges logs."""
        return not is_free(self.heartbeat_at, self.now)


@dataclass(frozen=True)
class Row(Driver):
    """All columns of the lease; see include/sql/logs.sql."""

    epoch: int = 0
    owner: str = ""
    holder: Holder = _NOBODY
    ended_epoch: int = 0
    users_version: int | None = None


def is_free(heartbeat_at: datetime | None, now: datetime) -> bool:
    """Whether the lease is free: it was never taken, or its heartbeat is more than LASTS away from now.

    A heartbeat from the future is no sign of life: the clock was set back, and a live driver would have renewed it.
    """
    return heartbeat_at is None or abs(now - heartbeat_at) > LASTS


def read(cursor: Any, name: str = DRIVER, lock: Literal["", "FOR SHARE", "FOR UPDATE"] = "") -> Row | None:
    """The lease's row; None if it was never taken. `lock` is held until the transaction ends.

    Raises the client's errors, also if the table is missing.
    """
    cursor.execute(f"{_READ} {lock}", (name,))
    row = cursor.fetchone()
    if row is None:
        return None
    epoch, owner, holder, heartbeat_at, now, stop_asked, ended_epoch, users_version = row
    times = heartbeat_at.replace(tzinfo=UTC), now.replace(tzinfo=UTC)
    return Row(*times, bool(stop_asked), epoch, owner, Holder.of(holder), ended_epoch, users_version)


def look(cursor: Any) -> Driver:
    """Whether the stream's driver is alive, and whether it was asked to stop. Raises as `read` does."""
    return read(cursor) or Driver(None, datetime.now(UTC))


def make(cursor: Any, name: str) -> None:
    """Inserts a free lease of this name unless it exists."""
    cursor.execute(_MAKE, (name,))


def take(cursor: Any, name: str, owner: str, holder: Holder) -> None:
    """Increments the epoch for this holder and clears requests made to the previous one."""
    cursor.execute(_TAKE, (owner, str(holder), name))


def renew(cursor: Any, name: str, epoch: int) -> None:
    """Writes a new heartbeat; does nothing if another driver has taken the lease."""
    cursor.execute(_RENEW, (name, epoch))


def end(cursor: Any, name: str, epoch: int) -> None:
    """Records that the queries of this epoch have stopped; releases the lease unless another driver has it."""
    cursor.execute(_END, (epoch, epoch, name))


def set_users_version(cursor: Any, name: str, epoch: int, version: int) -> None:
    """Records that no more verdicts are given with an older users history."""
    cursor.execute(_USERS, (version, name, epoch))


def fence(cursor: Any) -> None:
    """Increments the epoch without a holder, so that a hung driver loads nothing if it wakes up."""
    cursor.execute(_FENCE, (DRIVER,))


def ask_to_stop(cursor: Any) -> None:
    """Sets the stop mark: the driver detects it within seconds and stops between two batches.

    Raises the client's error after a few seconds if another session has locked the lease.
    """
    cursor.execute(LOCKS)
    cursor.execute(_STOP, (DRIVER,))
