"""Access of DAGs to Airflow's metadata database through a connection, since tasks have no direct access."""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote, urlencode

from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowException, AirflowNotFoundException, AirflowSkipException

CONNECTION: Final = "metadata"
URL_VARIABLE: Final = "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"


def address() -> str:
    """SQLAlchemy URL of the database, whose host may be the folder of a Unix socket.

    Raises AirflowSkipException without a connection to PostgreSQL.
    """
    try:
        found = BaseHook.get_connection(CONNECTION)
    except AirflowNotFoundException:
        found = None
    if found is None or found.conn_type != "postgres":
        raise AirflowSkipException(
            f"There is no connection {CONNECTION} to Airflow's PostgreSQL: remove its old runs yourself"
            " (airflow db clean), see docs/operations.md#what-grows-with-time."
        )
    login = f"{quote(found.login, safe='')}:{quote(found.password or '', safe='')}@" if found.login else ""
    # PostgreSQL's own clients take no + for a space, unlike SQLAlchemy.
    address = urlencode({"host": found.host or "", "port": found.port or 5432}, quote_via=quote)
    return f"postgresql+psycopg2://{login}/{found.schema}?{address}"


@contextmanager
def transaction() -> Iterator[Any]:
    """A cursor whose work is committed at the end. Raises as `address` does, and psycopg2.Error."""
    import psycopg2

    url = address().replace("+psycopg2", "")
    with closing(psycopg2.connect(url, connect_timeout=10)) as connection, connection, connection.cursor() as cursor:
        yield cursor


def is_running(url: str, task_instance: str) -> bool:
    """Whether the metadata at `url` (see `address`) have this task as running: nobody marked or cleared it.

    Raises psycopg2.Error.
    """
    import psycopg2

    with closing(psycopg2.connect(url.replace("+psycopg2", ""), connect_timeout=5)) as connection:
        cursor = connection.cursor()
        cursor.execute("SELECT state FROM task_instance WHERE id = %s", (task_instance,))
        row = cursor.fetchone()
    return row is not None and row[0] == "running"


def clean(tables: Sequence[str], before: datetime) -> None:
    """Runs `airflow db clean` on these tables and drops leftovers of killed runs. Raises AirflowException."""
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
