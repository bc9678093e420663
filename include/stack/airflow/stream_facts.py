"""Reads the facts for the verdict on the stream from Airflow's API and the lease in MySQL."""

import re
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

import httpx
import mysql.connector

from include.clients.outside import MYSQL_SECONDS, Outside
from include.driver import lease, stream_verdict
from include.driver.lease import Driver
from include.driver.stream_verdict import (
    Airflow,
    Pool,
    StreamRun,
    StreamVerdict,
    at_work,
    is_endless,
    last_endless,
)
from include.names import CLASSIFY_DAG
from include.stack.airflow.api import AirflowApi, Place
from include.stack.environment import Environment

TASK: Final = "stream"
ACTIVE: Final = ("queued", "running")
_SINCE: Final = {"running": "start_date", "up_for_retry": "end_date"}
"""The field with the time of entering each state; for other states, `scheduled_when`."""
_LOOK_BACK: Final = 25
"""Number of runs searched for the last endless one; older ones count as never started."""
_ERROR: Final = re.compile(r" ERROR logsieve[\w.]*: (?P<python>.+)|^(?P<java>(Error|Exception in thread)\b.+)")
_TRACE: Final = re.compile(r"^[\w.]+(Error|Exception)\b.*")
_STARTED: Final = "Spark-Submit cmd: "
_NEXT: Final = "The next driver begins in"
_CRASHED: Final = re.compile(r"Cannot execute: .*Error code is: (?P<code>-?\d+)", re.DOTALL)
_MOST_CHARACTERS: Final = 300


def read(env: Environment) -> StreamVerdict:
    """The current verdict on the embedded stack's stream; it names servers that do not answer."""
    return stream_verdict.assess(*facts(env, env.outside, env.variables()))


def facts(place: Place, outside: Outside, variables: Mapping[str, str]) -> tuple[Driver | None, Airflow | None]:
    """The state of the lease and of Airflow; None if MySQL or Airflow does not answer. `variables`: Airflow's."""
    driver = read_driver(outside)
    in_full = driver is None or not driver.is_alive
    return driver, read_airflow(place, int(variables["AIRFLOW__CORE__PARALLELISM"]), in_full=in_full)


def read_driver(outside: Outside) -> Driver | None:
    """The driver by its lease; None if MySQL does not answer or has no tables yet."""
    try:
        with (
            closing(outside.mysql(seconds=MYSQL_SECONDS, autocommit=True)) as connection,
            closing(connection.cursor()) as cursor,
        ):
            return lease.look(cursor)
    except mysql.connector.Error:
        return None


def read_airflow(place: Place, parallelism: int, *, in_full: bool) -> Airflow | None:
    """Airflow's state of the stream; None if it does not answer. `parallelism`: maximum number of running tasks."""
    try:
        return of_dag(AirflowApi(place), parallelism, in_full=in_full)
    except httpx.HTTPError:
        return None


def of_dag(api: AirflowApi, parallelism: int, *, in_full: bool) -> Airflow:
    """Airflow's state of the stream. Raises httpx.HTTPError.

    `in_full`: includes details that are needed only if no driver is running: the task, its log and pool, ended runs.
    """
    dag = api.dag(CLASSIFY_DAG)
    errors = [error.split(": ", 1) for error in api.import_errors()]
    error = next((text for file, text in errors if file.endswith(f"{CLASSIFY_DAG}.py")), "")
    scheduled = api.is_scheduled()
    if dag is None:
        return Airflow(known=False, import_error=error, scheduled=scheduled)
    active = active_run(api)
    found = Airflow(
        paused=dag["is_paused"],
        stale=dag["is_stale"],
        import_error=error,
        scheduled=scheduled,
        active=active,
    )
    if not in_full:
        return found
    task = api.task(CLASSIFY_DAG, active.run_id, TASK) if active else None
    return replace(
        found,
        active=active and _with_task(api, active, task),
        ended=last_endless([_run(run) for run in api.runs(CLASSIFY_DAG, _LOOK_BACK, "success", "failed")]),
        pool=_pool(api, task) if task else None,
        all_slots_taken=api.tasks_at_work() >= parallelism,
    )


def active_run(api: AirflowApi) -> StreamRun | None:
    """The current run, or else the next one, without its task. Raises httpx.HTTPError."""
    return at_work([_run(run) for run in api.runs(CLASSIFY_DAG, _LOOK_BACK, *ACTIVE)])


def _run(run: dict[str, Any]) -> StreamRun:
    since = _time(run["start_date"] or run["queued_at"])
    by_test = run["triggered_by"] == "test"
    return StreamRun(run["dag_run_id"], run["state"], is_endless(run["conf"]), since, by_test=by_test)


def _with_task(api: AirflowApi, run: StreamRun, task: dict[str, Any] | None) -> StreamRun:
    begun = task[_SINCE.get(task["state"] or "", "scheduled_when")] if task else None
    error = _last_error(api, run.run_id, task)
    return replace(run, task=task["state"] if task else None, task_since=_time(begun), error=error)


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _pool(api: AirflowApi, task: dict[str, Any]) -> Pool:
    found = api.pool(task["pool"])
    return Pool(found["name"], found["slots"], found["occupied_slots"]) if found else Pool(task["pool"], 0, 0)


def _last_error(api: AirflowApi, run_id: str, task: dict[str, Any] | None) -> str:
    """The last error of this try's drivers, or else of the previous try's."""
    newest = task["try_number"] if task else 0
    for number in range(newest, max(newest - 2, 0), -1):
        if found := last_error(api.task_log(CLASSIFY_DAG, run_id, TASK, number), ended=number < newest):
            return found
    return ""


def last_error(lines: Sequence[str], *, ended: bool) -> str:
    """The reason of the last driver crash in the log of a task; empty if no driver has crashed.

    `ended`: the try is over, so its last driver has exited too.
    """
    end = len(lines) if ended else max((at + 1 for at, line in enumerate(lines) if _NEXT in line), default=0)
    begin = max((at for at, line in enumerate(lines[:end]) if _STARTED in line), default=0)
    of_driver = lines[begin:end]
    crashed = [match["code"] for line in of_driver if (match := _CRASHED.search(line))]
    if not crashed:
        return ""
    errors = [match["python"] or match["java"] for line in of_driver if (match := _ERROR.search(line))]
    traces = [line for line in of_driver if _TRACE.match(line)]
    return (errors or traces or [f"exit code {crashed[-1]}"])[-1][:_MOST_CHARACTERS].removesuffix(".")
