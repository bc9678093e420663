"""The stream's lease as others see it, and the mark beside it that asks the stream to stop: the driver sees it within
seconds and ends well."""

from datetime import UTC, datetime
from typing import Any, Final

from include.clients.mysql import LOCKS
from include.driver.stream_verdict import Driver
from include.names import DRIVER, LEASE_TABLE, LOGS_DATABASE

HOW_TO_GO_ON: Final = "`./logsieve stream start` brings it back, and no log is lost"


def ask_to_stop(cursor: Any) -> None:
    """Leaves the mark, through any DB-API cursor whose account may change the lease; the caller commits.

    Raises the client's error after some seconds where somebody has locked the lease.
    """
    cursor.execute(LOCKS)
    cursor.execute(
        f"UPDATE {LOGS_DATABASE}.{LEASE_TABLE} SET stop_asked_at = UTC_TIMESTAMP(3) WHERE name = %s",  # noqa: S608
        (DRIVER,),
    )


def look(cursor: Any) -> Driver:
    """Whether a driver lives, and was asked to stop. Raises what the client raises, without the tables too."""
    cursor.execute(
        "SELECT heartbeat_at, UTC_TIMESTAMP(3), stop_asked_at IS NOT NULL"  # noqa: S608
        f" FROM {LOGS_DATABASE}.{LEASE_TABLE} WHERE name = %s",
        (DRIVER,),
    )
    row = cursor.fetchone()
    if row is None:
        return Driver(None, datetime.now(UTC))
    return Driver(row[0].replace(tzinfo=UTC), row[1].replace(tzinfo=UTC), bool(row[2]))
