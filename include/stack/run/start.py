"""Configures every server and starts each as soon as what it needs is there."""

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
"""How long a server may take that others wait for."""


def unpack(env: Environment, steps: Steps) -> Homes:
    """Fetches and unpacks what is missing, all but PostgreSQL. Raises StackError."""
    folder = env.settings.parts
    what = "Fetch and unpack the servers"
    with steps.step(what) as say, _alone(env, lambda text: say(f"{what}, {text}")):
        leftovers.remove(env)
        jars, libaio = parts.fetch_jars(folder), parts.fetch_libaio(folder)
        pyspark_home.prepare()
        judge_jar.ensure(env.settings)
        if wrong := class_archive.ensure(env.settings, jars):
            say(f"{what} (Spark will start slower, no class archive: {wrong})")
        # Another user runs two of root's servers, and has to pass; else nobody has any business here.
        env.state.chmod(0o711 if other_user.never_root() else 0o700)
        homes = Homes(jars, libaio, parts.unpack_mysql(folder, jars), configs.elasticsearch(env, jars))
        leftovers.prune([jars, submit.class_archive(env.settings), homes.mysql, homes.elasticsearch])
        return homes


def _alone(env: Environment, say: Callable[[str], None]) -> AbstractContextManager[None]:
    """Several stacks share the parts, and only one fetches at a time."""
    return lock.held(
        env.settings.parts / "lock", "fetching", lambda process, what: say(f"waiting for process {process}, {what}")
    )


def start(env: Environment, steps: Steps) -> list[Server]:
    """Fetches what is missing, writes every configuration, starts every program; gives them.

    Raises StackError when that does not work, and then nothing of it is left running.
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
    """The ways to the first answer of each server, side by side: Airflow's is the longest, over PostgreSQL."""

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
        # First and for a while alone, as it has most to do before it answers.
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
            raise StackError(f"{name}: {wrong}", f"./logsieve logs {name} shows all of it.")
        if supervisor.process_of(env) is None:
            raise StackError(f"{name}: {wrong}, and supervisord has ended.", "./logsieve down, then ./logsieve up.")
        time.sleep(0.2)
