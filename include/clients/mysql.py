"""Read-only connections to MySQL, from the settings: they use the reader account."""

from typing import Any, Final

import mysql.connector

from include.settings import Settings

SECONDS: Final = 5
"""Time limit for one answer of the server."""
LOCKS: Final = f"SET SESSION lock_wait_timeout = {SECONDS}, innodb_lock_wait_timeout = {SECONDS}"
"""Lock timeouts of the commands' and the page's sessions. By default, a SELECT queued after a waiting ALTER TABLE
waits for up to a year."""


def connect(settings: Settings, seconds: float = SECONDS) -> Any:
    """Returns a mysql.connector connection in UTC with autocommit. Raises mysql.connector.Error."""
    ca = settings.mysql_ca
    checked = {"ssl_ca": str(ca), "ssl_verify_cert": True, "ssl_verify_identity": True} if ca else {}
    return mysql.connector.connect(
        host=settings.mysql_host,
        port=settings.mysql_port,
        user=settings.mysql_reader_user,
        password=settings.mysql_reader_password.get_secret_value(),
        connection_timeout=seconds,
        read_timeout=seconds,
        charset="utf8mb4",
        time_zone="+00:00",
        autocommit=True,
        init_command=LOCKS,
        use_pure=True,
        **checked,
    )
