"""Configures every server and starts it as soon as its prerequisites are ready."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime

from include.driver import submit
from include.source.accounts import Accounts, ensure_export
from include.stack.environment import Environment
from include.stack.errors import StackError
from include.stack.fetch import class_archive, judge_jar, parts, pyspark_home
from include.stack.machine import lock
from include.stack.run import leftovers, supervisor
from include.stack.servers import configs, other_user, probes
from include.stack.servers.programs import Homes, Server, servers
from include.stack.steps import Steps

FIRST_SECONDS = 300
"""Timeout in seconds for a server that others depend on."""


def unpack(env: Environment, steps: Steps) -> Homes:
    """Fetches and unpacks missing parts, except PostgreSQL; returns their folders. Raises StackError."""
    folder = env.settings.parts
    what = "Fetch and unpack the servers"
    with steps.step(what) as on_step, _alone(env, lambda text: on_step(f"{what}, {text}")):
        leftovers.remove(env)
        jars, libaio = parts.fetch_jars(folder), parts.fetch_libaio(folder)
        pyspark_home.prepare()
        judge_jar.ensure(env.settings)
        if wrong := class_archive.ensure(env.settings, jars):
            on_step(f"{what} (no class archive, Spark starts slower: {wrong})")
        # When root starts the stack, another user runs two servers and must be able to enter; otherwise no other user.
        env.state.chmod(0o711 if other_user.never_root() else 0o700)
        homes = Homes(jars, libaio, parts.unpack_mysql(folder, jars), configs.elasticsearch(env, jars))
        leftovers.prune([jars, submit.class_archive(env.settings), homes.mysql, homes.elasticsearch])
        return homes


def _alone(env: Environment, on_step: Callable[[str], None]) -> AbstractContextManager[None]:
    """Stacks share the parts, so only one stack fetches at a time."""
    return lock.held(
        env.settings.parts / "lock", "fetching", lambda process, what: on_step(f"waiting for process {process}, {what}")
    )


def start(env: Environment, steps: Steps) -> list[Server]:
    """Fetches missing parts, writes every configuration, starts every program and returns the programs.

    Raises StackError on failure, after stopping everything that it started.
    """
    homes = unpack(env, steps)
    homes = replace(homes, postgres=configs.postgres_home(env, homes.jars))
    leftovers.prune([homes.postgres, env.settings.parts / homes.postgres.name])
    if not env.settings.accounts_path:
        accounts = Accounts(env.settings.seed, env.settings.accounts)
        ensure_export(env.settings.accounts_exports, datetime.now(UTC).date(), accounts)
    programs = servers(env, homes)
    with steps.step("Configure the servers"):
        supervisor.start(env, programs)
        try:
            _start_each(env, homes)
        except BaseException:
            supervisor.stop(env)
            raise
    return programs


def _start_each(env: Environment, homes: Homes) -> None:
    """Prepares and starts the servers in parallel. Airflow takes longest, as it needs PostgreSQL first."""

    def run(*names: str) -> None:
        for name in names:
            supervisor.run(env, name)

    def kafka() -> None:
        configs.kafka(env, homes.jars)
        run("kafka")

    def mysql() -> None:
        configs.mysql(env, homes.mysql, homes.libaio)
        run("mysql")

    def airflow() -> None:
        configs.postgres(env, homes.postgres)
        run("postgres")
        _wait_for(env, "postgres", probes.postgres)
        configs.airflow(env)
        # First and alone until it answers, because it takes longest to start.
        run("airflow-api-server")
        _wait_for(env, "airflow-api-server", probes.airflow("metadatabase"))
        run("airflow-dag-processor", "airflow-scheduler", "airflow-triggerer")

    with ThreadPoolExecutor() as pool:
        work = [pool.submit(part) for part in (airflow, mysql, kafka)]
        run("elasticsearch", "indexer", "watchdog")
        for part in work:
            part.result()


def _wait_for(env: Environment, name: str, probe: Callable[[Environment], str | None]) -> None:
    deadline = time.monotonic() + FIRST_SECONDS
    while (wrong := probe(env)) is not None:
        if time.monotonic() > deadline:
            raise StackError(f"{name}: {wrong}", f"See ./logsieve logs {name}.")
        if supervisor.process_of(env) is None:
            raise StackError(
                f"{name}: {wrong}, and supervisord has exited.", "Run ./logsieve down, then ./logsieve up."
            )
        time.sleep(0.2)
