"""Airflow's own database and logins, at the version of the installed Airflow. Here and with containers alike."""

import json
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import psycopg2

from include.settings import ROOT
from include.stack.errors import StackError
from include.stack.private import write_private

OURS = ROOT / "include" / "sql" / "airflow.sql"


def write_logins(file: Path, passwords: Mapping[str, str]) -> None:
    """The file of AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE, of `airflow_admin` and `airflow_viewer`."""
    write_private(file, json.dumps({"admin": passwords["airflow_admin"], "viewer": passwords["airflow_viewer"]}))


def migrate(url: str, variables: Mapping[str, str], remedy: str) -> None:
    """Makes or migrates the tables, and adds what airflow.sql adds. `url`: SQLAlchemy's, of PostgreSQL.

    Raises StackError, with the remedy, when Airflow cannot, psycopg2.Error when PostgreSQL is away.
    """
    command = [sys.executable, "-m", "airflow", "db", "migrate"]
    done = subprocess.run(command, capture_output=True, text=True, env=dict(variables))
    if done.returncode != 0:
        lines = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
        raise StackError(f"Airflow's database could not be made: {' '.join(lines[-3:])}", remedy)
    with closing(psycopg2.connect(url.replace("+psycopg2", ""), connect_timeout=10)) as connection:
        connection.cursor().execute(OURS.read_text(encoding="utf-8"))
        connection.commit()
