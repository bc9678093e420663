"""Access of DAGs to the users dimension."""

from typing import Any

from airflow.sdk import BaseHook

from include.names import USERS_DATABASE


def connect() -> Any:
    """A mysql.connector connection to the users database that may load local files."""
    return BaseHook.get_hook("mysql", hook_params={"schema": USERS_DATABASE, "local_infile": True}).get_conn()
