"""The bench's own stack: Kafka, MySQL and Elasticsearch on free ports, without Airflow, in `.state-bench`."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime
from typing import Any, Final

import sqlparse
from mysql.connector import connect

from include.clients.mysql import Address
from include.contract import reading, tables
from include.index import template
from include.names import LOGS_TOPIC, USERS_DATABASE
from include.retention import slices
from include.settings import ROOT, Settings
from include.source.accounts import Accounts, write_export
from include.stack import environment
from include.stack.engines import Engine
from include.stack.environment import Environment
from include.stack.errors import StackError
from include.stack.ports import Ports, free_ports
from include.stack.run import supervisor, up
from include.stack.run.start import start_cluster, start_kafka, unpack
from include.stack.servers import elasticsearch_config, mysql_config
from include.stack.servers.programs import cluster_of, servers
from include.stack.steps import Steps
from include.topics import configs as topic_settings
from include.users import history
from include.users import tables as users_tables
from include.users.export import export_file

SERVERS: Final = ("kafka", "mysql", "elasticsearch")
DAY: Final = date(2026, 1, 15)
"""The day of all events in the bench, and of the loaded accounts: fixed, so that the same seed gives the same bytes."""
BEGIN: Final = int(datetime(DAY.year, DAY.month, DAY.day, 8, tzinfo=UTC).timestamp())
_SECONDS: Final = 60


@contextmanager
def running(
    partitions: int, accounts: int, seed: int, steps: Steps, *, keep: bool, engine: Engine = "local"
) -> Iterator[Environment]:
    """Runs the stack with topics, tables, users, index and cluster. At the end it is removed, unless `keep` is set.

    Raises StackError if a server does not start. Data and logs are kept after any StackError.
    """
    settings = Settings(state=ROOT / ".state-bench", topic_partitions=partitions, accounts=accounts, seed=seed)
    if (left := environment.load(settings)) is not None:
        supervisor.stop(left)
        up.wipe(left)
    env = environment.make(settings, Ports(**free_ports()), engine)
    try:
        homes = unpack(env, steps)
        wanted = [*(server for server in servers(env, homes) if server.name in SERVERS), *cluster_of(env)]
        programs = [*wanted, *(server for server in servers(env, homes) if server.name == "indexer")]
        supervisor.start(env, programs)
        mysql_config.prepare(env, homes.mysql)
        elasticsearch_config.prepare(env, homes.elasticsearch)
        for name in ("mysql", "elasticsearch"):
            supervisor.run(env, name)
        start_kafka(env, homes)
        start_cluster(env)
        up.wait_until_healthy(env, wanted, steps, "Start the servers")
        with steps.step("Create topics, tables, users and index"):
            make_topics(env)
            _make_tables(env)
            _load_users(env)
            with env.outside.search() as client:
                template.ensure(client)
        yield env
    except StackError:
        keep = True  # for troubleshooting
        raise
    finally:
        supervisor.stop(env)
        if not keep:
            up.wipe(env)


def make_topics(env: Environment) -> None:
    """Creates missing topics as bootstrap does, except for timestamps. Raises KafkaException.

    A log has the timestamp of its sender, so that delays are measured from there.
    """
    of_sender = {LOGS_TOPIC: {"message.timestamp.type": "CreateTime"}}
    topic_settings.make(env.outside.admin(), env.settings.topic_partitions, overrides=of_sender)


def connection(env: Environment, database: str | None = None) -> Any:
    """Opens a connection with autocommit, as the account that may create and empty tables.

    Raises mysql.connector.Error.
    """
    return connect(
        **Address.of(env.reaching()).options,
        user="logsieve_airflow",
        password=env.passwords["mysql_airflow"],
        time_zone="+00:00",
        autocommit=True,
        allow_local_infile=True,
        database=database,
        use_pure=True,
    )


def _make_tables(env: Environment) -> None:
    with closing(connection(env)) as opened, closing(opened.cursor()) as cursor:
        sql = ROOT / "include" / "sql"
        contract, others = reading.load(Settings().contract), (sql / "logs.sql").read_text(encoding="utf-8")
        for text in (tables.statements(contract), users_tables.statements(contract), others):
            for statement in sqlparse.split(sqlparse.format(text, strip_comments=True)):
                cursor.execute(statement)
        # As in the DAG bootstrap: otherwise all rows are in one partition, with indexes over all of them.
        slices.make(cursor, env.settings.topic_partitions, env.settings.retention_days)


def _load_users(env: Environment) -> None:
    folder = env.settings.state / "accounts"
    write_export(folder, DAY, Accounts(env.settings.seed, env.settings.accounts))
    with closing(connection(env, USERS_DATABASE)) as opened, export_file(folder, DAY).open("rb") as export:
        opened.autocommit = False
        history.load_day(opened, DAY, export, "the bench's accounts", None)
