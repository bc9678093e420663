"""Airflow's database and logins, for the version of the installed Airflow. Shared by the stack and the containers."""

import json
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing
from importlib.metadata import version
from pathlib import Path

import psycopg2

from include.settings import ROOT
from include.stack.environment import Environment
from include.stack.errors import StackError
from include.stack.private import write_private
from include.stack.servers import tools

OURS = ROOT / "include" / "sql" / "airflow.sql"


def write_logins(file: Path, passwords: Mapping[str, str]) -> None:
    """Writes AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE from `airflow_admin` and `airflow_viewer`."""
    write_private(file, json.dumps({"admin": passwords["airflow_admin"], "viewer": passwords["airflow_viewer"]}))


def migrate(url: str, variables: Mapping[str, str], remedy: str) -> None:
    """Creates or migrates Airflow's tables, then runs airflow.sql. `url`: SQLAlchemy URL of PostgreSQL.

    Raises StackError with `remedy` if the migration fails, and psycopg2.Error if PostgreSQL does not answer.
    """
    command = [sys.executable, "-m", "airflow", "db", "migrate"]
    done = subprocess.run(command, capture_output=True, text=True, env=dict(variables))
    if done.returncode != 0:
        lines = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
        raise StackError(f"Airflow's database could not be migrated: {' '.join(lines[-3:])}", remedy)
    create_triggers(url)


def create_triggers(url: str) -> None:
    """Runs airflow.sql, also while Airflow is at work. Raises psycopg2.Error."""
    with closing(psycopg2.connect(url.replace("+psycopg2", ""), connect_timeout=10)) as connection:
        connection.autocommit = True  # the file commits by itself
        connection.cursor().execute(OURS.read_text(encoding="utf-8"))


def prepare(env: Environment) -> None:
    """Writes the logins of the embedded stack and migrates its metadata; needs a running PostgreSQL."""
    home = env.state / "airflow"
    write_logins(home / "passwords.json", env.passwords)
    stamp = home / "migrated"
    wanted = f"{version('apache-airflow')}\n{OURS.read_text(encoding='utf-8')}"
    if stamp.exists() and stamp.read_text() == wanted:
        return
    migrate(env.metadata_url, env.whole(), tools.REMEDY)
    stamp.write_text(wanted)
