"""How a DAG comes at Airflow's metadata: tasks have no access to it, so a connection says where it is."""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from typing import Any, Final

from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowException, AirflowNotFoundException, AirflowSkipException

CONNECTION: Final = "metadata"
URL_VARIABLE: Final = "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"


def address() -> str:
    """SQLAlchemy's address. Raises AirflowSkipException where there is no such connection, or none to PostgreSQL."""
    try:
        found = BaseHook.get_connection(CONNECTION)
    except AirflowNotFoundException:
        found = None
    if found is None or found.conn_type != "postgres":
        raise AirflowSkipException(
            f"There is no connection {CONNECTION} to Airflow's PostgreSQL: its runs are yours to remove"
            " (airflow db clean), see docs/operations.md#what-grows-with-time."
        )
    login = f"{found.login}:{found.password}@" if found.login else ""
    return f"postgresql+psycopg2://{login}{found.host}:{found.port or 5432}/{found.schema}"


@contextmanager
def transaction() -> Iterator[Any]:
    """A cursor; committed at the end. Raises as `address`, and psycopg2.Error."""
    import psycopg2

    url = address().replace("+psycopg2", "")
    with closing(psycopg2.connect(url, connect_timeout=10)) as connection, connection, connection.cursor() as cursor:
        yield cursor


def clean(tables: Sequence[str], before: datetime) -> None:
    """`airflow db clean` of these tables, and of what a run that was killed left of it. Raises AirflowException."""
    when = ["--clean-before-timestamp", before.isoformat(), "--tables", ",".join(tables)]
    for words in (
        ["clean", *when, "--skip-archive", "--error-on-cleanup-failure", "--yes"],
        ["drop-archived", "--yes"],
    ):
        done = subprocess.run(
            [sys.executable, "-m", "airflow", "db", *words],
            env={**os.environ, URL_VARIABLE: address()},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            lines = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
            raise AirflowException(f"airflow db {words[0]}: {' '.join(lines[-3:])}")
