"""Stops and starts the stream as a person: a mark beside its lease, and a run of its DAG."""

import time
from contextlib import closing
from typing import Any

import httpx
import mysql.connector

from include import mysql_trouble
from include.health import lease_is_free
from include.names import DRIVER, LEASE_TABLE, LOGS_DATABASE
from include.stack.airflow_api import AirflowApi
from include.stack.environment import Environment
from include.stack.errors import StackError
from include.stack.probes import mysql_connection
from include.stop_mark import ask_to_stop

DAG = "classify_logs"
STOP_SECONDS = 120
_LEASE = f"{LOGS_DATABASE}.{LEASE_TABLE}"


def stop(env: Environment) -> bool:
    """Asks the stream to stop and waits until it has; whether it ran. Airflow does not bring it back.

    Raises StackError when it does not end in time, or MySQL does not take the mark.
    """
    try:
        with closing(mysql_connection(env, "stream")) as connection, closing(connection.cursor()) as cursor:
            cursor.execute("SET autocommit = 1")
            ask_to_stop(cursor)
            deadline, ran = time.monotonic() + STOP_SECONDS, False
            if _is_free(cursor) and (run := _active_run(env)):
                # No driver sees the mark: it has not come as far as the lease, or is refused at each try.
                AirflowApi(env).end_run(DAG, run["dag_run_id"])
                ran = True
            while not _is_free(cursor) or (ran and _active_run(env)):
                ran = True
                if time.monotonic() > deadline:
                    raise StackError(
                        f"The stream has not ended within {STOP_SECONDS} s.",
                        f"See the log of {DAG} at {env.airflow_url}.",
                    )
                time.sleep(0.5)
            return ran
    except mysql.connector.Error as error:
        trouble = mysql_trouble.explain(error)
        raise StackError(f"The stream cannot be asked to stop: {trouble.sentence}.", f"{trouble.remedy}.") from error
    except httpx.HTTPError as error:
        raise StackError(f"No driver runs, but Airflow does not answer: {error}", "./logsieve status") from error


def start(env: Environment) -> bool:
    """Triggers a run of the stream's DAG; False when one is active already. Raises StackError when Airflow is away."""
    try:
        if _active_run(env):
            return False
        AirflowApi(env).trigger(DAG, {"trigger": env.settings.trigger})
        return True
    except httpx.HTTPError as error:
        raise StackError(f"Airflow does not answer: {error}", "./logsieve status") from error


def runs(env: Environment, cursor: Any) -> bool:
    """Whether a driver holds the lease, or Airflow is about to start one. Raises the clients' errors."""
    return not _is_free(cursor) or _active_run(env) is not None


def _active_run(env: Environment) -> dict[str, Any] | None:
    run = AirflowApi(env).last_run(DAG)
    return run if run and run["state"] in ("queued", "running") else None


def _is_free(cursor: Any) -> bool:
    cursor.execute(f"SELECT heartbeat_at, UTC_TIMESTAMP(3) FROM {_LEASE} WHERE name = %s", (DRIVER,))  # noqa: S608
    row = cursor.fetchone()
    return row is None or lease_is_free(*row)
