"""Writes the env file of docker-compose.airflow.yml: generated secrets, and the ports on this machine.

Standard library only, so that running the containers requires no installation (see ./logsieve).
"""

import os
import secrets
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from include.stack.errors import StackError
from include.stack.private import cluster_id, fernet_key, write_private

FILE: Final = Path(__file__).resolve().parents[3] / ".env.compose"
COMMAND: Final = "docker compose -f docker-compose.airflow.yml --env-file .env.compose"


def _password() -> str:
    # No quotes and no dollar sign, which the files and statements that contain it would interpret differently.
    return secrets.token_urlsafe(24)


SECRETS: Final[dict[str, Callable[[], str]]] = {
    "AIRFLOW_ADMIN_PASSWORD": _password,
    "AIRFLOW_VIEWER_PASSWORD": _password,
    "AIRFLOW_API_SECRET": _password,
    "AIRFLOW_JWT_SECRET": _password,
    "AIRFLOW_FERNET_KEY": fernet_key,
    "POSTGRES_PASSWORD": _password,
    "MYSQL_ROOT_PASSWORD": _password,
    "MYSQL_AIRFLOW_PASSWORD": _password,
    "MYSQL_STREAM_PASSWORD": _password,
    "MYSQL_READER_PASSWORD": _password,
    "KAFKA_CLUSTER_ID": cluster_id,
    "ELASTIC_PASSWORD": _password,
    "ELASTICSEARCH_PASSWORD": _password,
    "KIBANA_SYSTEM_PASSWORD": _password,
    "KIBANA_ENCRYPTION_KEY": lambda: secrets.token_urlsafe(32),
}
PORTS: Final = {"LOGSIEVE_PORT_AIRFLOW": 8080, "LOGSIEVE_PORT_KIBANA": 5601, "LOGSIEVE_PORT_KAFKA": 9092}
"""The ports published on 127.0.0.1, with their defaults."""


def write(file: Path, variables: Mapping[str, str]) -> list[str]:
    """Adds missing variables to the file and returns their names; keeps existing ones. Only its owner can read it.

    `variables`: the shell's, which may set ports that the file lacks. Raises StackError for an invalid port.
    """
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    known = {line.partition("=")[0].strip() for line in text.splitlines()}
    wanted = {name: make() for name, make in SECRETS.items()} | {
        name: _port(name, variables.get(name) or str(usual)) for name, usual in PORTS.items()
    }
    added = {name: value for name, value in wanted.items() if name not in known}
    if text and not text.endswith("\n"):
        text += "\n"
    write_private(file, text + "".join(f"{name}={value}\n" for name, value in added.items()))
    return list(added)


def _port(name: str, value: str) -> str:
    if not (value.isascii() and value.isdecimal() and 1 <= int(value) <= 65535):
        raise StackError(f"{name}={value} is not a port.", "Set it to a number from 1 to 65535.")
    return value


def main() -> None:
    """Writes the file and prints the next command. Exits with 1 and the remedy for an invalid port."""
    try:
        added = write(FILE, os.environ)
    except StackError as error:
        sys.exit(f"✗ {error.message}\n→ {error.remedy}")
    print(f"{FILE.name}: {len(added)} variables added." if added else f"{FILE.name} is already complete.")  # noqa: T201
    print(f"Next: {COMMAND} up --build --detach")  # noqa: T201


if __name__ == "__main__":
    main()
