"""Implements `./logsieve status`: servers, last run of each DAG, counts per hop, backlog and freshness."""

import xmlrpc.client
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import httpx
from rich.console import Console
from rich.markup import escape

from include.clients.errors import SERVER_ERRORS
from include.driver import stream_verdict
from include.driver.stream_verdict import StreamVerdict
from include.index.dead_letters import refused_count
from include.names import FOREIGN_TABLE, INDEXER_GROUP, LOGS_DATABASE, STATUS_TOPIC, STATUSES
from include.stack import tables
from include.stack.airflow import stream_facts
from include.stack.airflow.api import AirflowApi
from include.stack.environment import Environment
from include.stack.own_servers import OwnServers, Servers
from include.stack.run import supervisor
from include.stack.servers import probes
from include.stack.servers.programs import Server
from include.topics import configs, hops
from include.watch import free_space, troubles

CLIENT_ERRORS = (*SERVER_ERRORS, httpx.HTTPError)
"""What the clients raise when their server is down. Reported as such, without a traceback."""


@dataclass
class Status:
    """The status as plain values, ready for JSON. Counts are by status; None if a server did not answer."""

    servers: dict[str, str] = field(default_factory=dict)
    """`ok` or the problem, by server name."""
    dags: dict[str, dict[str, Any] | None] = field(default_factory=dict)
    stream: StreamVerdict | None = None
    """Whether the stream judges logs; None if not checked."""
    logs_in: int | None = None
    classified: int | None = None
    status_messages: int | None = None
    mysql: dict[str, int] | None = None
    expired: int | None = None
    """Logs past their retention: their rows and documents were removed."""
    elasticsearch: dict[str, int] | None = None
    refused_documents: int = 0
    foreign_messages: int | None = None
    """Messages in the status topic that are no verdict of the stream: see docs/operations.md#foreign-messages."""
    topic_settings: str = ""
    """Topic settings that differ from the expected ones, and the remedy."""
    lag: dict[str, int | None] = field(default_factory=dict)
    """The backlog: logs to `classify`, verdicts to `load` and to `index`."""
    freshness_seconds: dict[str, float | None] = field(default_factory=dict)
    """Age of the newest row of each table, in seconds."""
    troubles: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What blocks the driver or the indexer, by part: sentence, remedy, seconds (include/watch/troubles.py)."""
    disk: str = ""
    """What is wrong with the free disk space, and the remedy; empty if there is enough."""

    @property
    def healthy(self) -> bool:
        """Whether every server is healthy, disk space suffices, the stream runs, and no part of it is blocked."""
        servers = all(found == "ok" for found in self.servers.values())
        return servers and not self.disk and not self.troubles and (self.stream is None or self.stream.ok)


def read_hops(env: Servers) -> Status:
    """The counts only, without servers and DAGs. A hop that does not answer stays None."""
    standing = {part: asdict(found) for part, found in troubles.read(env.settings.troubles).items()}
    disk = free_space.short(env.settings)
    status = Status(refused_documents=refused_count(env.settings), troubles=standing, disk=disk)
    topics = tables = None
    try:
        # The sinks are read before the topics, so that the backlog is never understated.
        with env.outside.search(probes.SECONDS) as client:
            status.elasticsearch = hops.read_documents(client)
    except CLIENT_ERRORS:
        pass
    try:
        with env.outside.mysql() as connection, connection.cursor() as cursor:
            now = datetime.now(UTC)
            tables = hops.read_tables(cursor)
            # Read after the snapshot of the counts: what was loaded while they ran would otherwise count as backlog.
            connection.rollback()
            tables = replace(tables, progress=hops.read_progress(cursor))
        status.mysql = dict(tables.rows)
        status.expired = sum(tables.expired.values())
        status.foreign_messages = tables.foreign
        status.freshness_seconds = {
            name: round((now - newest).total_seconds(), 1) if newest else None for name, newest in tables.newest.items()
        }
    except CLIENT_ERRORS:
        pass
    try:
        # In the indexer's group, because its offsets are committed there.
        with env.outside.looking(INDEXER_GROUP) as consumer:
            topics = hops.read_topics(consumer, tables.loaded_logs if tables else None)
            status.lag["index"] = hops.index_lag(consumer, topics)
        status.topic_settings = configs.describe(configs.differing(env.outside.admin()))
        status.logs_in = sum(topics.logs.values())
        status.classified = sum(topics.classified.values())
        status.status_messages = sum(topics.status.values())
        status.lag["classify"] = topics.lag
        status.lag["load"] = tables.lag(topics) if tables else None
    except CLIENT_ERRORS:
        pass
    return status


def read(env: Environment, programs: list[Server]) -> Status:
    """The full status; queries all servers in parallel."""
    with ThreadPoolExecutor() as pool:
        health = {server.name: pool.submit(ask, env, server) for server in programs}
        dags, stream = pool.submit(read_dags, env), pool.submit(stream_facts.read, env)
        status = read_hops(env)
        status.servers = {name: found.result() or "ok" for name, found in health.items()}
        status.dags, status.stream = dags.result(), stream.result()
    return status


def read_own(own: OwnServers) -> Status:
    """The status of the user's own servers, without Airflow. The stream is known by its lease only."""
    with ThreadPoolExecutor() as pool:
        asked = (probes.kafka, probes.mysql, probes.elasticsearch, probes.indexer)
        health = {probe.__name__: pool.submit(probe, own) for probe in asked}
        status = read_hops(own)
        status.servers = {name: found.result() or "ok" for name, found in health.items()}
        status.stream = stream_verdict.by_lease(stream_facts.read_driver(own.outside))
    return status


def ask(env: Environment, server: Server) -> str | None:
    """None if the server runs and answers, else the problem."""
    try:
        state = supervisor.proxy(env).getProcessInfo(server.name)["statename"]
    except (OSError, xmlrpc.client.Error):
        return "not running, or not supervised: ./logsieve up"
    return server.probe(env) if state == "RUNNING" else f"{state.lower()}, see ./logsieve logs {server.name}"


def read_dags(env: Environment) -> dict[str, dict[str, Any] | None]:
    """State, start and id of the newest run of each DAG; None for a DAG without runs."""
    try:
        api = AirflowApi(env)
        runs = {dag_id: api.last_run(dag_id) for dag_id in sorted(api.dags())}
    except httpx.HTTPError:
        return {}
    return {
        dag_id: {"state": run["state"], "started": run["start_date"], "run_id": run["dag_run_id"]} if run else None
        for dag_id, run in runs.items()
    }


def show(console: Console, status: Status, env: Servers) -> None:
    """Prints the tables."""
    if status.servers:
        servers = tables.new("server", "health", title="Servers")
        for name, found in status.servers.items():
            servers.add_row(name, "[green]ok" if found == "ok" else f"[red]{escape(found)}")
        console.print(servers)
    if isinstance(env, Environment):
        dags = tables.new("DAG", "last run", "started", title="DAGs")
        for dag_id, run in status.dags.items():
            dags.add_row(dag_id, *((run["state"], (run["started"] or "")[:19]) if run else ("never", "")))
        console.print(dags)
    show_hops(console, status, env)
    if status.stream and status.stream.health != "ok":
        show_stream(console, status.stream)


def show_stream(console: Console, found: StreamVerdict) -> None:
    """Prints why the stream does not run, and the remedy."""
    colour = "yellow" if found.ok else "red"
    console.print(f"[{colour}]The stream:[/] {escape(found.sentence)}", highlight=False, soft_wrap=True)
    if found.remedy:
        console.print(f"→ {found.remedy}", highlight=False, markup=False, soft_wrap=True)


def show_hops(console: Console, status: Status, env: Servers) -> None:
    """Prints counts per hop, backlog, freshness, and the servers' addresses."""
    table = tables.new("hop", "logs", *STATUSES, "backlog", title="Logs per hop")
    for column in table.columns[1:]:
        column.justify = "right"

    def number(value: int | None) -> str:
        return "?" if value is None else f"{value:,}"

    def by_status(counts: dict[str, int] | None) -> list[str]:
        return [number(counts.get(name) if counts else None) for name in STATUSES]

    def total(counts: dict[str, int] | None) -> str:
        return number(sum(counts.values()) if counts else None)

    lag = status.lag
    table.add_row("server-logs", number(status.logs_in), "", "", "", "")
    table.add_row("server-logs-status", number(status.classified), "", "", "", number(lag.get("classify")))
    table.add_row("MySQL", total(status.mysql), *by_status(status.mysql), number(lag.get("load")))
    table.add_row(
        "Elasticsearch", total(status.elasticsearch), *by_status(status.elasticsearch), number(lag.get("index"))
    )
    if status.expired:
        table.add_row("expired", number(status.expired), "", "", "", "")
    ages = [status.freshness_seconds.get(name) for name in STATUSES]
    table.add_section()
    table.add_row("newest row, age", "", *("?" if age is None else f"{age:.1f} s" for age in ages), "")
    console.print(table)
    for trouble in status.troubles.values():
        console.print(f"[red]{escape(trouble['sentence'])}.[/] {escape(trouble['remedy'])}.")
    if status.refused_documents:
        refused = f"[red]{status.refused_documents:,} documents were rejected by Elasticsearch[/], see"
        console.print(refused, str(env.settings.dead_letters))
    if status.foreign_messages:
        found = f"[red]{status.foreign_messages:,} foreign messages in {STATUS_TOPIC}[/], not from the stream:"
        console.print(found, f"{LOGS_DATABASE}.{FOREIGN_TABLE}")
    if status.disk:
        console.print(f"[red]{status.disk}")
    if status.topic_settings:
        console.print(f"[yellow]{status.topic_settings}", soft_wrap=True)
    at = env.reaching()
    airflow = f"Airflow {env.airflow_url}   " if isinstance(env, Environment) else ""
    console.print(
        f"{airflow}Kafka {at.kafka_bootstrap}   MySQL {at.mysql_host}:{at.mysql_port}"
        f"   Elasticsearch {at.elasticsearch_url}",
        soft_wrap=True,
    )
