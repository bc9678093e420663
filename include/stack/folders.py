"""The folders of the embedded servers, which may run as users of their own."""

import os
from pathlib import Path
from typing import Final

from include.settings import Settings
from include.stack.machine.programs import HOST
from include.stack.ports import Ports

_SOCKET_BYTES: Final = 107
"""The longest path of a Unix socket, see unix(7)."""
MYSQL_SOCKET: Final = "mysql.sock"
"""Name of MySQL's socket, in its data folder."""
_USUAL_PORT: Final = 5432
"""PostgreSQL's. With a Unix socket no more than a part of the file's name."""


def of_server(settings: Settings, server: str) -> Path:
    """Folder of a server: in the state, or outside of it if the server's user cannot reach the state."""
    inside = settings.state / server
    if os.geteuid() != 0 or is_reachable(inside):
        return inside
    return settings.outside / server


def postgres_address(settings: Settings, ports: Ports) -> tuple[str, int]:
    """PostgreSQL's host and port, as its clients take them: the folder of its Unix socket, else on loopback.

    Only PostgreSQL's user and root can enter that folder. On loopback if its path is too long for a socket.
    """
    folder = of_server(settings, "postgres") / "tmp"
    return (str(folder), _USUAL_PORT) if _fits(folder / f".s.PGSQL.{_USUAL_PORT}") else (HOST, ports.postgres)


def mysql_socket(settings: Settings) -> str:
    """Path of MySQL's Unix socket, as its clients take it; empty if the path is too long for a socket.

    Only MySQL's user and root can enter its folder. MySQL also listens on loopback.
    """
    path = of_server(settings, "mysql") / "data" / MYSQL_SOCKET
    return str(path) if _fits(path) else ""


def _fits(socket: Path) -> bool:
    return len(os.fsencode(socket)) <= _SOCKET_BYTES


def is_reachable(path: Path) -> bool:
    """Whether every user may pass through all folders above."""
    return all(parent.stat().st_mode & 0o001 for parent in path.parents if parent.exists())
