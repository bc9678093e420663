"""What `./logsieve up` does: check, fetch, configure, start, and wait until logs are everywhere."""

import shutil
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import httpx
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from include.accounts import Accounts, ensure_export
from include.stack import configs, doctor, parts, status, supervisor
from include.stack.airflow_api import AirflowApi
from include.stack.environment import Environment
from include.stack.errors import StackError
from include.stack.servers import Homes, Server, servers

DAGS = {"bootstrap", "classify_logs", "generate_logs", "users_dimension", "watch_logs"}
LAST = "watch_logs"
"""Unpaused once verdicts arrive: before, all that it could tell is that they do not."""
FLOWING_SECONDS = 300
"""How long the first logs may take to every hop once bootstrap was triggered."""


class Steps:
    """Shows each step with its time while it runs, and leaves a line when it is done."""

    def __init__(self, console: Console) -> None:
        self._progress = Progress(
            SpinnerColumn(finished_text="[green]✓"),
            TextColumn("{task.description}"),
            TimeElapsedColumn(),
            console=console,
        )

    def __enter__(self) -> "Steps":
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    @contextmanager
    def step(self, text: str) -> Iterator[Callable[[str], None]]:
        """Times one step; the function it gives changes the text."""
        task = self._progress.add_task(text, total=1)
        yield lambda new: self._progress.update(task, description=new)
        self._progress.update(task, completed=1)


def check(env: Environment) -> None:
    """Raises StackError, naming every remedy, when this machine cannot run the stack now."""
    wrong = [found for found in (check(env) for check in doctor.CHECKS) if found.remedy]
    if wrong:
        raise StackError(
            "\n".join(f"{found.name}: {found.found}" for found in wrong), "\n".join(found.remedy for found in wrong)
        )


def wipe(env: Environment) -> None:
    """Deletes everything of this stack but the downloaded parts."""
    for folder in (configs.folder_of(env, "elasticsearch"), configs.folder_of(env, "postgres"), env.state):
        if folder.exists():
            shutil.rmtree(folder)


def prepare(env: Environment, steps: Steps) -> list[Server]:
    """Fetches and unpacks what is missing, writes every configuration; gives the programs to start."""
    folder = env.settings.parts
    with steps.step("Fetch the JVM parts and libaio"):
        jars, libaio = parts.fetch_jars(folder), parts.fetch_libaio(folder)
        mysql_home = parts.unpack_mysql(folder, jars)
        parts.compile_pyspark()
    with steps.step("Configure the servers"), ThreadPoolExecutor() as pool:
        # Another user runs two of root's servers, and has to pass; else nobody has any business here.
        env.state.chmod(0o711 if configs.never_root() else 0o700)
        work = [pool.submit(configs.kafka, env, jars), pool.submit(configs.mysql, env, mysql_home, libaio)]
        elasticsearch_home = configs.elasticsearch(env, jars)
        postgres_home = configs.postgres(env, jars)
        configs.airflow(env, postgres_home)
        for part in work:
            part.result()
    if not env.settings.accounts_path:
        accounts = Accounts(env.settings.seed, env.settings.accounts)
        ensure_export(env.settings.accounts_exports, datetime.now(UTC).date(), accounts)
    return servers(env, Homes(jars, libaio, mysql_home, elasticsearch_home, postgres_home))


def programs_of(env: Environment) -> list[Server]:
    """The programs of a stack that was prepared before, without touching anything."""
    return servers(env, Homes())


def wait_until_healthy(env: Environment, programs: list[Server], steps: Steps) -> None:
    """Waits until every program answers. Raises StackError, with its last lines, for one that does not."""
    with steps.step("Start the servers") as say:
        waiting = {server.name: server for server in programs}
        deadline = time.monotonic() + max(server.seconds_to_start for server in programs)
        while waiting:
            with ThreadPoolExecutor() as pool:
                answers = {name: pool.submit(status.ask, env, server) for name, server in waiting.items()}
            wrong = {name: found.result() for name, found in answers.items() if found.result()}
            waiting = {name: waiting[name] for name in wrong}
            if waiting and time.monotonic() > deadline:
                name, why = next(iter(wrong.items()))
                raise StackError(f"{name}: {why}\n{_last_lines(env, name)}", f"./logsieve logs {name} shows all of it.")
            if waiting:
                say(f"Start the servers, waiting for {', '.join(waiting)}")
                time.sleep(0.3)
        say("Start the servers")


def bootstrapped(env: Environment) -> bool:
    """Whether the newest run of `bootstrap` went well, or is under way."""
    run = AirflowApi(env).last_run("bootstrap")
    return run is not None and run["state"] != "failed"


def bootstrap(env: Environment, conf: dict[str, Any], steps: Steps) -> None:
    """Unpauses the DAGs, triggers `bootstrap` and waits for logs at every hop.

    Raises StackError when a DAG does not parse, when `bootstrap` fails, or when a hop stays empty.
    """
    api = AirflowApi(env)
    with steps.step("Read the DAGs"):
        _until(lambda: api.dags().keys() >= DAGS, 120, lambda: _not_parsed(api))
        for dag_id in DAGS - {LAST}:
            api.unpause(dag_id)
    with steps.step("Bootstrap") as say:
        run_id, begin = api.trigger("bootstrap", conf), time.monotonic()

        def flowing() -> bool:
            tasks = api.tasks("bootstrap", run_id)
            busy = [task for task, state in tasks.items() if state in ("running", "deferred", "up_for_retry")]
            say(f"Bootstrap: {', '.join(busy)}" if busy else "Bootstrap")
            if api.run_state("bootstrap", run_id) == "failed":
                red = [task for task, state in tasks.items() if state == "failed"]
                raise StackError(
                    f"The DAG bootstrap failed at {', '.join(red)}.", f"See the task's log at {env.airflow_url}."
                )
            return status.read_hops(env).is_flowing(time.monotonic() - begin)

        _until(flowing, FLOWING_SECONDS, lambda: StackError("No logs at every hop yet.", "./logsieve status"))
        api.unpause(LAST)
        say("Bootstrap: logs are in the topic, in MySQL and in Elasticsearch")


def _until(condition: Callable[[], bool], seconds: float, error: Callable[[], StackError]) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise error()
        time.sleep(0.5)


def _not_parsed(api: AirflowApi) -> StackError:
    try:
        found = "\n".join(api.import_errors())
    except httpx.HTTPError as error:
        found = str(error)
    return StackError(f"Airflow did not read every DAG. {found}", "./logsieve logs airflow-dag-processor tells why.")


def _last_lines(env: Environment, name: str) -> str:
    file = supervisor.log_file(env, name)
    return "\n".join(file.read_text(errors="replace").splitlines()[-5:]) if file.exists() else ""
