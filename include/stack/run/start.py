"""Configures every server and starts it as soon as its prerequisites are ready."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from functools import partial

from include import retries
from include.driver import submit
from include.source.accounts import Accounts, ensure_export
from include.stack import folders
from include.stack.environment import HOST, Environment
from include.stack.errors import StackError
from include.stack.fetch import class_archive, judge_jar, mysqld, parts, pyspark_home
from include.stack.machine import lock
from include.stack.machine.needs import SERVERS
from include.stack.run import leftovers, supervisor
from include.stack.servers import (
    airflow_metadata,
    elasticsearch_config,
    kafka_config,
    kafka_users,
    mysql_config,
    postgres_config,
    probes,
    server_users,
    spark_config,
    yarn_config,
)
from include.stack.servers.programs import Homes, Server, cluster_of, servers
from include.stack.steps import Steps

FIRST_SECONDS = 300
"""Timeout in seconds for a server that others depend on."""


def unpack(env: Environment, steps: Steps) -> Homes:
    """Fetches and unpacks missing parts, each where its server's user can read it; returns their folders.

    Raises StackError.
    """
    folder = env.settings.parts
    what = "Fetch and unpack the servers"
    with steps.step(what) as on_step, _alone(env, lambda text: on_step(f"{what}, {text}")):
        leftovers.remove(env)
        jars = parts.fetch_jars(folder)
        yarn = [parts.fetch_yarn(folder)] if env.engine == "yarn" else []
        pyspark_home.prepare()
        judge_jar.ensure(env.settings)
        if wrong := class_archive.ensure(env.settings, jars):
            steps.report(f"Spark will start more slowly, because its class archive could not be built: {wrong}")
        server_users.create_missing()
        server_users.close(env)
        for name in SERVERS:
            server_users.prepare(env, name)
        of_kafka, of_search = jars.resolve(), folders.of_server(env.settings, "elasticsearch")
        homes = Homes(
            server_users.program(env, "kafka", of_kafka / "kafka", of_kafka.name),
            mysqld.choose(env.settings, jars, mysql_config.made_by(env), partial(server_users.program, env, "mysql")),
            parts.unpack_elasticsearch(jars, of_search),
            server_users.program(env, "postgres", parts.unpack_postgres(folder, jars)),
        )
        server_users.share(homes.elasticsearch, "elasticsearch")
        if homes.mysql.warning:
            steps.report(homes.mysql.warning)
        copied = [homes.kafka, *filter(None, [homes.mysql.home]), homes.elasticsearch, homes.postgres]
        fetched = [folder / home.name for home in copied]
        leftovers.prune([jars, *yarn, submit.class_archive(env.settings), *copied, *fetched])
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
    if not env.settings.accounts_path:
        ensure_export(env.settings.accounts_exports, datetime.now(UTC).date(), Accounts.of(env.settings))
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
        start_kafka(env, homes)
        run("indexer")

    def mysql() -> None:
        mysql_config.prepare(env, homes.mysql)
        run("mysql")

    def elasticsearch() -> None:
        elasticsearch_config.prepare(env, homes.elasticsearch)
        run("elasticsearch")

    def airflow() -> None:
        postgres_config.prepare(env, homes.postgres)
        run("postgres")
        _wait_for(env, "postgres", probes.postgres)
        airflow_metadata.prepare(env)
        # First and alone until it answers, because it takes longest to start.
        run("airflow-api-server")
        _wait_for(env, "airflow-api-server", probes.airflow("metadatabase"))
        run("airflow-dag-processor", "airflow-scheduler", "airflow-triggerer")

    with ThreadPoolExecutor() as pool:
        work = [pool.submit(part) for part in (airflow, mysql, kafka, elasticsearch)]
        start_cluster(env)
        run("metrics", "watchdog")
        for part in work:
            part.result()


def start_kafka(env: Environment, homes: Homes) -> None:
    """Prepares and starts Kafka, and creates its users. Raises StackError, and KafkaException if it refuses."""
    password = kafka_config.prepare(env, homes.kafka)
    supervisor.run(env, "kafka")
    supervisor.wait_for_port(env, "kafka", env.ports.kafka)
    kafka_users.ensure(f"{HOST}:{env.ports.kafka}", password, env.passwords)


def start_cluster(env: Environment) -> None:
    """Prepares and starts the Spark cluster, if the stack has one. Raises StackError."""
    if env.engine == "yarn":
        yarn_config.prepare(env)
    if env.engine in ("spark", "yarn"):
        spark_config.prepare(env)
    for server in cluster_of(env):
        supervisor.run(env, server.name)


def _wait_for(env: Environment, name: str, probe: Callable[[Environment], str | None]) -> None:
    def ask() -> str | None:
        wrong = probe(env)
        if wrong is not None and supervisor.process_of(env) is None:
            raise StackError(
                f"{name}: {wrong}, and supervisord has exited.", "Run ./logsieve down, then ./logsieve up."
            )
        return wrong

    def late(wrong: str | None) -> StackError:
        return StackError(f"{name}: {wrong}", f"See ./logsieve logs {name}.")

    retries.until(ask, FIRST_SECONDS, late, done=lambda wrong: wrong is None, pause=0.2)
