"""The env file of docker-compose.airflow.yml: generated secrets, and the ports on this machine.

Needs the standard library only: who runs containers has to install nothing else (./logsieve).
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
    # Neither quotes nor a dollar sign, which the files and statements it comes to would each read in their own way.
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
"""Those that are open on 127.0.0.1."""


def write(file: Path, variables: Mapping[str, str]) -> list[str]:
    """Adds what the file lacks, and gives the names; what is there stays. Only its owner may read it (0600).

    `variables`: of the shell, where a port that the file lacks may be chosen. Raises StackError for what is no port.
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
        raise StackError(f"{name}={value} is no port.", "Give a number from 1 to 65535.")
    return value


def main() -> None:
    """Writes the file and prints the next command; ends with 1, and the remedy, for a port that is none."""
    try:
        added = write(FILE, os.environ)
    except StackError as error:
        sys.exit(f"✗ {error.message}\n→ {error.remedy}")
    print(f"{FILE.name}: {len(added)} added." if added else f"{FILE.name} has everything already.")  # noqa: T201
    print(f"Next: {COMMAND} up --build --detach")  # noqa: T201


if __name__ == "__main__":
    main()
