"""MySQL's users: one per program, with the least rights. Shared by the stack and the containers."""

from collections.abc import Mapping
from typing import Final

from include.names import LOGS_DATABASE, USERS_DATABASE

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


def statements(passwords: Mapping[str, str], host: str, root: bool) -> list[str]:
    """The statements that create the users of RIGHTS or update their passwords. Idempotent.

    `passwords`: by name (`mysql_airflow` and so on), without quotes or backslashes. `host`: from which they connect.
    `root`: also set up root, for a server that was initialised without a password.
    """
    rights = {"root": [("ALL", "*.*")], **RIGHTS} if root else RIGHTS
    lines = [f"ALTER USER 'root'@'localhost' IDENTIFIED BY '{passwords['mysql_root']}'"] if root else []
    for user, grants in rights.items():
        password = passwords[f"mysql_{user.removeprefix('logsieve_')}"]
        lines.append(f"CREATE USER IF NOT EXISTS '{user}'@'{host}' IDENTIFIED BY '{password}'")
        lines.append(f"ALTER USER '{user}'@'{host}' IDENTIFIED BY '{password}'")
        lines += [f"GRANT {right} ON {what} TO '{user}'@'{host}'" for right, what in grants]
    return lines
