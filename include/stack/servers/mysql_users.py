"""MySQL's users: one per program, with the least rights. Shared by the stack and the containers."""

from collections.abc import Mapping
from typing import Final

from include.names import LOGS_DATABASE, USERS_DATABASE

LOCAL_HOSTS: Final = ("localhost", "127.0.0.1")
"""What MySQL calls a client at its Unix socket, and one at its port on loopback: to MySQL they are two users."""
_CHANGE: Final = "SELECT, INSERT, UPDATE, DELETE"
RIGHTS: Final = {
    "logsieve_airflow": [
        (f"{_CHANGE}, CREATE, ALTER, DROP, INDEX", f"{LOGS_DATABASE}.*"),
        (f"{_CHANGE}, CREATE, ALTER, DROP, INDEX, CREATE TEMPORARY TABLES", f"{USERS_DATABASE}.*"),
    ],
    "logsieve_stream": [(_CHANGE, f"{LOGS_DATABASE}.*"), ("SELECT", f"{USERS_DATABASE}.*")],
    "logsieve_reader": [("SELECT", f"{LOGS_DATABASE}.*"), ("SELECT", f"{USERS_DATABASE}.*")],
}
"""The rights of each user, and the tables that they apply to."""


def local(passwords: Mapping[str, str]) -> list[str]:
    """The statements for a server of this machine that was initialised without a password: all users, and root."""
    rights = {"root": [("ALL", "*.*")], **RIGHTS}
    return [line for host in LOCAL_HOSTS for line in _statements(rights, passwords, host)]


def remote(passwords: Mapping[str, str]) -> list[str]:
    """The statements for a server that users reach from any host. It has its own root."""
    return _statements(RIGHTS, passwords, "%")


def _statements(rights: Mapping[str, list[tuple[str, str]]], passwords: Mapping[str, str], host: str) -> list[str]:
    """Creates the users or updates their passwords. Idempotent.

    `passwords`: by name (`mysql_airflow` and so on), without quotes or backslashes. `host`: from which they connect.
    """
    lines = []
    for user, grants in rights.items():
        account, password = f"'{user}'@'{host}'", passwords[f"mysql_{user.removeprefix('logsieve_')}"]
        lines.append(f"CREATE USER IF NOT EXISTS {account} IDENTIFIED BY '{password}'")
        lines.append(f"ALTER USER {account} IDENTIFIED BY '{password}'")
        lines += [f"GRANT {right} ON {what} TO {account}" for right, what in grants]
    return lines
