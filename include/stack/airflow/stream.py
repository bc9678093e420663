"""Stops and starts the stream for the user: with a stop mark next to its lease, and a run of its DAG."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import httpx
import mysql.connector

from include import retries
from include.driver import lease, stream_verdict
from include.driver.stream_verdict import StreamRun
from include.names import CLASSIFY_DAG
from include.settings import ROOT
from include.stack.airflow import stream_facts
from include.stack.airflow.api import AirflowApi
from include.stack.environment import Environment
from include.stack.errors import StackError
from include.watch import mysql_trouble

STOP_SECONDS = 120
START_SECONDS = 180
BLOCKED_SECONDS = 10
"""After the task has been blocked for this long, waiting ends with an error."""
READ_SECONDS = 60
"""Timeout for Airflow to parse a DAG file."""


def stop(env: Environment) -> bool:
    """Stops the stream, waits until it has stopped, and returns whether it ran. Airflow does not restart it.

    Raises StackError if the stream does not stop within STOP_SECONDS, or MySQL or Airflow does not answer.
    """
    try:
        with (
            closing(env.outside.mysql("stream", autocommit=True)) as connection,
            closing(connection.cursor()) as cursor,
        ):
            lease.ask_to_stop(cursor)
            ran = False
            if not lease.look(cursor).is_alive and (run := _active_run(env)):
                # No driver reads the mark: none holds the lease yet, or each try fails before that.
                AirflowApi(env).end_run(CLASSIFY_DAG, run.run_id)
                ran = True

            def has_stopped() -> bool:
                nonlocal ran
                runs = lease.look(cursor).is_alive or (ran and _active_run(env) is not None)
                ran = ran or runs
                return not runs

            retries.until(
                has_stopped,
                STOP_SECONDS,
                lambda _: StackError(
                    f"The stream has not stopped within {STOP_SECONDS} s.",
                    f"See the log of the DAG {CLASSIFY_DAG} at {env.airflow_url}.",
                ),
                pause=0.5,
            )
            return ran
    except mysql.connector.Error as error:
        trouble = mysql_trouble.explain(error)
        raise StackError(f"The stop mark cannot be written: {trouble.sentence}.", f"{trouble.remedy}.") from error
    except httpx.HTTPError as error:
        raise StackError(
            f"No driver is running, but Airflow does not answer: {error}", "Check ./logsieve status"
        ) from error


def start(env: Environment) -> Iterator[str]:
    """Triggers a run of the stream's DAG, unless one is active, and waits until its task runs. Yields what it does.

    Unpauses the DAG, and has Airflow parse it again if it is unknown. Raises StackError with the reason if the task
    does not run, or if Airflow does not answer.
    """
    try:
        api = AirflowApi(env)
        yield from _make_ready(api)
        run = stream_facts.active_run(api)
        if run and run.by_test and not stream_facts.read(env).ok:
            api.end_run(CLASSIFY_DAG, run.run_id)
            yield f"Ended {run.run_id}: its airflow dags test was interrupted."
        if stream_facts.active_run(api):
            yield f"A run of {CLASSIFY_DAG} is active already."
        else:
            api.trigger(CLASSIFY_DAG, {"trigger": env.settings.trigger})
            yield f"Triggered {CLASSIFY_DAG}."
    except httpx.HTTPError as error:
        raise StackError(f"Airflow does not answer: {error}", "Check ./logsieve status") from error
    wait_for_task(env)


def wait_for_task(env: Environment) -> None:
    """Waits until the stream's task or a driver runs. Raises StackError with the reason if neither does."""
    last_ok = time.monotonic()
    while True:
        driver, airflow = stream_facts.facts(env, env.outside, env.variables())
        found = stream_verdict.assess(driver, airflow)
        run = airflow.active if airflow else None
        if found.health == "ok" or (found.ok and run and run.task in stream_verdict.AT_WORK):
            return
        if found.ok:
            last_ok = time.monotonic()
        elif time.monotonic() - last_ok > BLOCKED_SECONDS:
            raise StackError(found.sentence, found.remedy)
        time.sleep(0.5)


def wait_until_classifying(env: Environment, report: Callable[[str], None]) -> None:
    """Waits until a driver judges logs; reports the progress. Raises StackError with the reason if none does."""
    begun = last_ok = time.monotonic()
    reported = ""
    while (found := stream_facts.read(env)).health != "ok":
        if found.ok and found.sentence != reported:
            reported = found.sentence
            report(reported)
        if found.ok:
            last_ok = time.monotonic()
        if time.monotonic() - min(last_ok, begun + START_SECONDS) > BLOCKED_SECONDS:
            raise StackError(found.sentence, found.remedy or "Check ./logsieve status")
        time.sleep(1)


Dag = dict[str, Any] | None


def _make_ready(api: AirflowApi) -> Iterator[str]:
    """Has Airflow parse the DAG file if the DAG is unknown or stale, and unpauses the DAG. Yields what it does."""

    def is_listed(dag: Dag) -> bool:
        return dag is not None and not dag["is_stale"]

    def late(_: Dag) -> StackError:
        errors = "; ".join(api.import_errors())
        return StackError(
            f"Airflow does not parse dags/{CLASSIFY_DAG}.py. {errors}".strip(),
            "See ./logsieve logs airflow-dag-processor",
        )

    dag = api.dag(CLASSIFY_DAG)
    if not is_listed(dag):
        # Airflow parses a changed file at once, others only after minutes.
        (ROOT / "dags" / f"{CLASSIFY_DAG}.py").touch()
        yield f"Airflow does not list the DAG {CLASSIFY_DAG}: waiting until it has parsed its file again."
        dag = retries.until(lambda: api.dag(CLASSIFY_DAG), READ_SECONDS, late, done=is_listed, pause=0.5)
    if dag and dag["is_paused"]:
        api.unpause(CLASSIFY_DAG)
        yield f"{CLASSIFY_DAG} was paused and is now unpaused."


def runs(env: Environment, cursor: Any) -> bool:
    """Whether a driver holds the lease, or Airflow is about to start one. Raises the errors of the clients."""
    return lease.look(cursor).is_alive or _active_run(env) is not None


def _active_run(env: Environment) -> StreamRun | None:
    return stream_facts.active_run(AirflowApi(env))
