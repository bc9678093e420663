"""Implements `./logsieve up` around `start`: checks before it, and waiting for logs at every hop after it."""

import shutil
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import httpx

from include import retries
from include.driver.stream_verdict import StreamVerdict
from include.settings import ROOT
from include.stack import folders
from include.stack.airflow import stream_facts
from include.stack.airflow.api import AirflowApi, Place
from include.stack.environment import Environment
from include.stack.errors import StackError
from include.stack.machine.needs import SERVERS
from include.stack.run import doctor, status, supervisor
from include.stack.run.waiting import Waiting
from include.stack.servers.programs import Homes, Server, servers
from include.stack.steps import Steps

DAGS = {path.stem for path in (ROOT / "dags").glob("[!_]*.py")}
LAST = {"announce_rows", "expire_logs", "expire_runs", "reconcile_logs", "watch_logs"}
"""Unpaused once verdicts arrive: earlier, these DAGs could only fail because there are none."""
BOOTSTRAP_SECONDS = 600
INDEX_SECONDS = 180
NEEDED_BY_BOOTSTRAP = {"kafka", "mysql", "airflow-api-server", "airflow-scheduler", "airflow-dag-processor"}
"""Servers that must answer before `bootstrap` is triggered; its retries wait for the others."""


def check(env: Environment) -> None:
    """Raises StackError with every remedy if this machine cannot run the stack now."""
    wrong = [found for found in (check(env) for check in doctor.CHECKS) if found.remedy]
    if wrong:
        raise StackError(
            "\n".join(f"{found.name}: {found.found}" for found in wrong), "\n".join(found.remedy for found in wrong)
        )


def wipe(env: Environment) -> None:
    """Deletes all data of this stack, including files outside of its state folder, except the downloaded parts.

    The lock file stays, as the command still holds it.
    """
    for folder in (folders.of_server(env.settings, name) for name in SERVERS):
        shutil.rmtree(folder, ignore_errors=not folder.exists())
    for path in [*env.state.iterdir()] if env.state.exists() else []:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path.name != "lock":
            path.unlink()
    with suppress(OSError):  # the lock file is still there
        env.state.rmdir()


def programs_of(env: Environment) -> list[Server]:
    """The programs of a stack that was prepared earlier. Changes nothing."""
    return servers(env, Homes())


def wait_until_healthy(env: Environment, programs: list[Server], steps: Steps, what: str) -> None:
    """Waits until each program is healthy. Raises StackError with the last log lines of one that is not."""
    with steps.step(what) as on_step:
        waiting = {server.name: server for server in programs}
        deadline = time.monotonic() + max(server.seconds_to_start for server in programs)
        while waiting:
            with ThreadPoolExecutor() as pool:
                answers = {name: pool.submit(status.ask, env, server) for name, server in waiting.items()}
            wrong = {name: found.result() for name, found in answers.items() if found.result()}
            waiting = {name: waiting[name] for name in wrong}
            if waiting and time.monotonic() > deadline:
                name, why = next(iter(wrong.items()))
                raise StackError(f"{name}: {why}\n{_last_lines(env, name)}", f"See ./logsieve logs {name}.")
            if waiting:
                on_step(f"{what}, waiting for " + ", ".join(f"{name} ({wrong[name]})" for name in waiting))
                time.sleep(0.5)
        on_step(what)


def wait_and_bootstrap(
    env: Environment, programs: list[Server], steps: Steps, conf: dict[str, Any] | None, *, again: bool
) -> None:
    """Waits for the servers and, if `conf` is given, runs `bootstrap`; with `again`, only if no run has succeeded."""
    first = [server for server in programs if server.name in NEEDED_BY_BOOTSTRAP]
    rest = [server for server in programs if server.name not in NEEDED_BY_BOOTSTRAP]
    wait_until_healthy(env, first, steps, "Start the servers")
    run_id = None
    if conf is not None and not (again and bootstrapped(env)):
        with steps.step("Read the DAGs"):
            run_id = trigger_bootstrap(env, conf)
    wait_until_healthy(env, rest, steps, "Start the rest")
    if run_id is not None:
        wait_for_bootstrap(env, run_id, steps)


def bootstrapped(env: Environment) -> bool:
    """Whether the newest run of `bootstrap` has succeeded or is still running."""
    run = AirflowApi(env).last_run("bootstrap")
    return run is not None and run["state"] != "failed"


def trigger_bootstrap(place: Place, conf: dict[str, Any]) -> str:
    """Unpauses the DAGs and triggers `bootstrap`; returns the run id. Raises StackError if a DAG does not parse."""
    api = AirflowApi(place)
    retries.until(lambda: api.dags().keys() >= DAGS, 120, lambda _: _not_parsed(api))
    for dag_id in DAGS - LAST:
        api.unpause(dag_id)
    return api.trigger("bootstrap", conf)


def wait_for_run(
    place: Place,
    run_id: str,
    on_step: Callable[[str], None],
    report: Callable[[str], None],
    verdict: Callable[[], StreamVerdict],
) -> None:
    """Waits until a run of `bootstrap` has succeeded; the DAG itself verifies topics and tables.

    `on_step`: receives the running tasks. `report`: receives what blocks the run. `verdict`: returns the verdict on the
    stream. Raises StackError if the run fails or does not finish within BOOTSTRAP_SECONDS.
    """
    api = AirflowApi(place)
    waiting = Waiting(api, on_step, report, verdict)

    def ended() -> bool:
        tasks = api.tasks("bootstrap", run_id)
        waiting.look(tasks)
        state = api.run_state("bootstrap", run_id)
        if state == "failed":
            red = [task for task, state in tasks.items() if state == "failed"]
            raise StackError(
                f"The DAG bootstrap failed at {', '.join(red)}. {waiting.reported}".strip(),
                f"See the task log at {place.airflow_url}.",
            )
        return state == "success"

    retries.until(
        ended,
        BOOTSTRAP_SECONDS,
        lambda _: StackError(
            f"The DAG bootstrap has not finished yet. {waiting.reported}".strip(), "Check ./logsieve status"
        ),
    )


def wait_for_bootstrap(env: Environment, run_id: str, steps: Steps) -> None:
    """Waits until the run has succeeded and the index has generated logs, then unpauses the DAGs in LAST.

    Raises StackError if `bootstrap` fails, or the index stays empty.
    """
    with steps.step("Bootstrap") as on_step:
        wait_for_run(env, run_id, on_step, steps.report, lambda: stream_facts.read(env))

        def indexed() -> bool:
            return sum((status.read_hops(env).elasticsearch or {}).values()) > 0

        if env.generates:
            late = StackError("The index stays empty.", "See ./logsieve logs indexer")
            retries.until(indexed, INDEX_SECONDS, lambda _: late)
        api = AirflowApi(env)
        for dag_id in LAST:
            api.unpause(dag_id)
        done = "logs are in Kafka, MySQL and Elasticsearch" if env.generates else "your logs may come"
        on_step(f"Bootstrap: {done}")


def _not_parsed(api: AirflowApi) -> StackError:
    try:
        found = "\n".join(api.import_errors())
    except httpx.HTTPError as error:
        found = str(error)
    return StackError(f"Airflow did not parse every DAG. {found}", "See ./logsieve logs airflow-dag-processor")


def _last_lines(env: Environment, name: str) -> str:
    file = supervisor.log_file(env, name)
    return "\n".join(file.read_text(errors="replace").splitlines()[-5:]) if file.exists() else ""
