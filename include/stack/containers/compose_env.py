"""Writes what docker-compose.airflow.yml needs: generated secrets, and the ports on this machine.

All are in one env file. Compose passes from there only the secrets of images that read no files; all others reach their
containers as files, which neither `docker inspect` nor a container's environment shows. Standard library only, so that
running the containers requires no installation (see ./logsieve).
"""

import json
import os
import secrets
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final
from urllib.parse import quote

from include.stack.errors import StackError
from include.stack.private import cluster_id, fernet_key, write_private
from include.stack.servers import search_users

FILE: Final = Path(__file__).resolve().parents[3] / ".env.compose"
FOLDER: Final = FILE.with_name(".secrets")
"""Only its owner can enter it. The files in it are readable, because a container's user has another number there."""
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
    "KAFKA_BROKER_PASSWORD": _password,
    "KAFKA_ADMIN_PASSWORD": _password,
    "KAFKA_AIRFLOW_PASSWORD": _password,
    "KAFKA_INDEXER_PASSWORD": _password,
    "KAFKA_READER_PASSWORD": _password,
    "KAFKA_SENDER_PASSWORD": _password,
    "KAFKA_STREAM_PASSWORD": _password,
    "ELASTICSEARCH_ADMIN_PASSWORD": _password,
    "ELASTICSEARCH_AIRFLOW_PASSWORD": _password,
    "ELASTICSEARCH_INDEXER_PASSWORD": _password,
    "ELASTICSEARCH_READER_PASSWORD": _password,
    "ELASTICSEARCH_KIBANA_PASSWORD": _password,
    "ELASTICSEARCH_KIBANA_SERVER_PASSWORD": _password,
    "METRICS_PASSWORD": _password,
    "KIBANA_ENCRYPTION_KEY": lambda: secrets.token_urlsafe(32),
}
PORTS: Final = {
    "LOGSIEVE_PORT_AIRFLOW": 8080,
    "LOGSIEVE_PORT_KIBANA": 5601,
    "LOGSIEVE_PORT_KAFKA": 9092,
    "LOGSIEVE_PORT_METRICS": 9464,
}
"""The ports published on 127.0.0.1, with their defaults."""
PROFILES: Final = ("indexer", "kibana", "logstash", "metrics")
"""The containers that a person chooses: one of `indexer` and `logstash`, with or without `kibana` and `metrics`."""
_USUAL: Final = "logstash,kibana"
OWN_DAGS: Final = "LOGSIEVE_OWN_DAGS"
"""The user's folder with DAGs, on this machine."""
NO_DAGS: Final = "own-dags"
"""An empty volume in its place."""


def files(values: Mapping[str, str]) -> dict[str, str]:
    """The texts of the secrets' files by name: each password alone, and files as Airflow and Elasticsearch read them.

    `values`: of SECRETS. airflow.json has Airflow's own secrets, connections.json its connections; those of
    Elasticsearch have its users.
    """
    database = f"postgresql+psycopg2://airflow:{quote(values['POSTGRES_PASSWORD'], safe='')}@postgres:5432/postgres"
    own = {
        "sql_alchemy_conn": database,
        "fernet_key": values["AIRFLOW_FERNET_KEY"],
        "secret_key": values["AIRFLOW_API_SECRET"],
        "jwt_secret": values["AIRFLOW_JWT_SECRET"],
    }
    connections: dict[str, dict[str, object]] = {
        "mysql": {
            "conn_type": "mysql", "host": "mysql", "port": 3306, "login": "logsieve_airflow",
            "password": values["MYSQL_AIRFLOW_PASSWORD"],
            "extra": {"client": "mysql-connector-python", "charset": "utf8mb4"},
        },
        "kafka": {
            "conn_type": "kafka",
            "extra": {
                "bootstrap.servers": "kafka:9092", "socket.timeout.ms": 10_000, "security.protocol": "SASL_PLAINTEXT",
                "sasl.mechanism": "SCRAM-SHA-512", "sasl.username": "logsieve_airflow",
                "sasl.password": values["KAFKA_AIRFLOW_PASSWORD"], "group.id": "logsieve-airflow",
                "auto.offset.reset": "latest", "enable.auto.commit": False,
            },
        },
        "spark": {"conn_type": "spark", "host": "local[3]", "extra": {"deploy-mode": "client"}},
        "elasticsearch": {
            "conn_type": "elasticsearch", "host": "elasticsearch", "port": 9200, "schema": "http",
            "login": "logsieve_airflow", "password": values["ELASTICSEARCH_AIRFLOW_PASSWORD"],
        },
        "metadata": {
            "conn_type": "postgres", "host": "postgres", "port": 5432, "login": "airflow",
            "password": values["POSTGRES_PASSWORD"], "schema": "postgres",
        },
    }  # fmt: skip
    passwords = {name.lower(): value for name, value in values.items() if name.endswith("_PASSWORD")}
    of_users = {name.removesuffix("_password"): value for name, value in passwords.items()}
    users = {f"elasticsearch_{name}": text for name, text in search_users.files(of_users).items()}
    return passwords | users | {"airflow.json": json.dumps(own), "connections.json": json.dumps(connections)}


def write_files(folder: Path, values: Mapping[str, str]) -> None:
    """Writes the secrets' files, each anew: what is in the env file counts."""
    folder.mkdir(mode=0o700, exist_ok=True)
    folder.chmod(0o700)
    for name, text in files(values).items():
        write_private(folder / name, text)
        (folder / name).chmod(0o444)


def read(file: Path) -> dict[str, str]:
    """The variables in the env file; without it, none."""
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    pairs = (line.partition("=") for line in lines if not line.lstrip().startswith("#"))
    return {name.strip(): value.strip() for name, _, value in pairs if name.strip()}


def write(file: Path, variables: Mapping[str, str]) -> list[str]:
    """Adds missing variables to the file and returns their names; keeps existing ones. Only its owner can read it.

    `variables`: the shell's, which may set what the file lacks: ports, LOGSIEVE_PROFILES and LOGSIEVE_OWN_DAGS. Raises
    StackError for invalid ones.
    """
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    known = read(file)
    wanted = {name: make() for name, make in SECRETS.items()} | {
        name: _port(name, variables.get(name) or str(usual)) for name, usual in PORTS.items()
    }
    wanted["COMPOSE_PROFILES"] = _profiles(
        known.get("COMPOSE_PROFILES") or variables.get("LOGSIEVE_PROFILES") or _USUAL
    )
    wanted[OWN_DAGS] = _folder(variables.get(OWN_DAGS))
    added = {name: value for name, value in wanted.items() if name not in known}
    if text and not text.endswith("\n"):
        text += "\n"
    write_private(file, text + "".join(f"{name}={value}\n" for name, value in added.items()))
    return list(added)


def _port(name: str, value: str) -> str:
    if not (value.isascii() and value.isdecimal() and 1 <= int(value) <= 65535):
        raise StackError(f"{name}={value} is not a port.", "Set it to a number from 1 to 65535.")
    return value


def _folder(path: str | None) -> str:
    """The folder as Compose mounts it: a relative one would count from the compose file."""
    if not path:
        return NO_DAGS
    found = Path(path).resolve()
    if not found.is_dir() or set(":$") & set(str(found)):
        raise StackError(
            f"{OWN_DAGS}={path} cannot be mounted.", "Name a folder that exists, without a colon or $ in its path."
        )
    return str(found)


def _profiles(value: str) -> str:
    chosen = value.split(",")
    if not set(chosen) <= set(PROFILES) or len({"indexer", "logstash"} & set(chosen)) != 1:
        raise StackError(
            f"COMPOSE_PROFILES={value} is not a choice.",
            "Name indexer or logstash, which write the index, and kibana and metrics if you want them: indexer,kibana",
        )
    return value


def main() -> None:
    """Writes the file and prints the next command. Exits with 1 and the remedy for an invalid port or profile."""
    try:
        added = write(FILE, os.environ)
        write_files(FOLDER, read(FILE))
    except StackError as error:
        sys.exit(f"✗ {error.message}\n→ {error.remedy}")
    print(f"{FILE.name}: {len(added)} variables added." if added else f"{FILE.name} is already complete.")  # noqa: T201
    print(f"Next: {COMMAND} up --build --detach")  # noqa: T201


if __name__ == "__main__":
    main()
