"""Stops and starts the stream as a person: a mark beside its lease, and a run of its DAG."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import httpx
import mysql.connector

from include.driver import lease, stream_verdict
from include.driver.stream_verdict import StreamRun
from include.settings import ROOT
from include.stack.airflow import stream_facts
from include.stack.airflow.api import AirflowApi
from include.stack.airflow.stream_facts import DAG
from include.stack.environment import Environment
from include.stack.errors import StackError
from include.stack.servers.probes import mysql_connection
from include.watch import mysql_trouble

STOP_SECONDS = 120
START_SECONDS = 180
KEPT_SECONDS = 10
"""What keeps the task from running for so long is told, and not waited for any more."""
READ_SECONDS = 60
"""So long Airflow may take to read a DAG's file."""


def stop(env: Environment) -> bool:
    """Asks the stream to stop and waits until it has; whether it ran. Airflow does not bring it back.

    Raises StackError when it does not end in time, or MySQL does not take the mark.
    """
    try:
        with closing(mysql_connection(env, "stream")) as connection, closing(connection.cursor()) as cursor:
            cursor.execute("SET autocommit = 1")
            lease.ask_to_stop(cursor)
            deadline, ran = time.monotonic() + STOP_SECONDS, False
            if not lease.look(cursor).is_alive and (run := _active_run(env)):
                # No driver sees the mark: it has not come as far as the lease, or is refused at each try.
                AirflowApi(env).end_run(DAG, run.run_id)
                ran = True
            while lease.look(cursor).is_alive or (ran and _active_run(env)):
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


def start(env: Environment) -> Iterator[str]:
    """Triggers a run of the stream's DAG, unless one is active, and waits until its task runs; tells what it does.

    Who starts the stream does not mean the DAG to be paused, or unknown: it is unpaused, and read again. Raises
    StackError with what keeps the task from running, and when Airflow is away.
    """
    try:
        api = AirflowApi(env)
        yield from _make_ready(api)
        run = stream_facts.active_run(api)
        if run and run.by_test and not stream_facts.read(env).ok:
            api.end_run(DAG, run.run_id)
            yield f"Ended {run.run_id}: its airflow dags test was broken off."
        if stream_facts.active_run(api):
            yield f"A run of {DAG} is active already."
        else:
            api.trigger(DAG, {"trigger": env.settings.trigger})
            yield f"Triggered {DAG}."
    except httpx.HTTPError as error:
        raise StackError(f"Airflow does not answer: {error}", "./logsieve status") from error
    wait_for_its_task(env)


def wait_for_its_task(env: Environment) -> None:
    """Until the stream's task runs, or a driver does. Raises StackError with what keeps it from that."""
    well = time.monotonic()
    while True:
        driver, airflow = stream_facts.facts(env, env.reaching(), env.variables())
        found = stream_verdict.assess(driver, airflow)
        run = airflow.active if airflow else None
        if found.health == "ok" or (found.ok and run and run.task in stream_verdict.AT_WORK):
            return
        if found.ok:
            well = time.monotonic()
        elif time.monotonic() - well > KEPT_SECONDS:
            raise StackError(found.sentence, found.remedy)
        time.sleep(0.5)


def wait_until_it_judges(env: Environment, tell: Callable[[str], None]) -> None:
    """Tells, while a driver is starting, what the last one ended of. Raises StackError with what keeps it from that."""
    begun = well = time.monotonic()
    said = ""
    while (found := stream_facts.read(env)).health != "ok":
        if found.ok and found.sentence != said:
            said = found.sentence
            tell(said)
        if found.ok:
            well = time.monotonic()
        if time.monotonic() - min(well, begun + START_SECONDS) > KEPT_SECONDS:
            raise StackError(found.sentence, found.remedy or "./logsieve status")
        time.sleep(1)


def _make_ready(api: AirflowApi) -> Iterator[str]:
    """Has Airflow read the DAG's file again where it does not know the DAG, and unpauses the DAG."""
    deadline, asked = time.monotonic() + READ_SECONDS, False
    while (dag := api.dag(DAG)) is None or dag["is_stale"]:
        if not asked:
            # Airflow reads a file again when it has changed, others after minutes.
            (ROOT / "dags" / f"{DAG}.py").touch()
            yield f"Airflow does not know the DAG {DAG}: it reads its file again."
            asked = True
        if time.monotonic() > deadline:
            errors = "; ".join(api.import_errors())
            raise StackError(
                f"Airflow does not read dags/{DAG}.py. {errors}".strip(), "./logsieve logs airflow-dag-processor"
            )
        time.sleep(0.5)
    if dag["is_paused"]:
        api.unpause(DAG)
        yield f"{DAG} was paused: it is not any more."


def runs(env: Environment, cursor: Any) -> bool:
    """Whether a driver holds the lease, or Airflow is about to start one. Raises the clients' errors."""
    return lease.look(cursor).is_alive or _active_run(env) is not None


def _active_run(env: Environment) -> StreamRun | None:
    return stream_facts.active_run(AirflowApi(env))
