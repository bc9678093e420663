"""How the DAGs of the users dimension reach it."""

from typing import Any

from airflow.sdk import BaseHook

from include.names import USERS_DATABASE


def connect() -> Any:
    """A connection of mysql.connector to the database of the users, which may load local files."""
    return BaseHook.get_hook("mysql", hook_params={"schema": USERS_DATABASE, "local_infile": True}).get_conn()
