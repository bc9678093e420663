"""The mark that asks the stream to stop, beside its lease: the driver sees it within seconds and ends well."""

from typing import Any, Final

from include.mysql_client import LOCKS
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
