"""How whoever only looks reaches MySQL, by the settings: the account that may only read."""

from typing import Any, Final

import mysql.connector

from include.settings import Settings

SECONDS: Final = 5
"""How long the server may take for one answer."""
LOCKS: Final = f"SET SESSION lock_wait_timeout = {SECONDS}, innodb_lock_wait_timeout = {SECONDS}"
"""Of a session of a person or of a page: behind an ALTER TABLE that waits, even a SELECT would wait for a year."""


def connect(settings: Settings, seconds: float = SECONDS) -> Any:
    """A connection of mysql.connector in UTC, each statement its own transaction. Raises mysql.connector.Error."""
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
