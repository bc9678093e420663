"""Health probes of the servers. A probe returns None if the server is healthy, else the problem as a short phrase."""

from collections.abc import Callable
from typing import Any, Literal

import httpx
import psycopg2
from confluent_kafka import ConsumerGroupState, KafkaException
from confluent_kafka.admin import AdminClient
from mysql.connector import Error as MySqlError
from mysql.connector import connect
from mysql.connector.abstracts import MySQLConnectionAbstract
from mysql.connector.pooling import PooledMySQLConnection

from include.clients.mysql import LOCKS
from include.index.indexer import GROUP
from include.names import STATUS_TOPIC
from include.stack.environment import HOST, Environment

SECONDS = 5
"""Timeout of a probe in seconds."""


def admin(env: Environment) -> AdminClient:
    """An admin client of the stack's Kafka. It logs nothing, because the probe reports its errors."""
    return AdminClient({"bootstrap.servers": f"{HOST}:{env.ports.kafka}", "log_level": 0})


def kafka(env: Environment) -> str | None:
    """The broker lists its topics."""
    try:
        admin(env).list_topics(timeout=SECONDS)
    except KafkaException as error:
        return f"does not answer: {error.args[0].str()}"
    return None


def mysql_connection(
    env: Environment, account: Literal["reader", "stream", "airflow"] = "reader"
) -> PooledMySQLConnection | MySQLConnectionAbstract:
    """A connection in UTC with the rights of `account`. Raises mysql.connector.Error."""
    settings = env.settings
    users = {"reader": settings.mysql_reader_user, "stream": settings.mysql_stream_user, "airflow": "logsieve_airflow"}
    return connect(
        host=HOST,
        port=env.ports.mysql,
        user=users[account],
        password=env.passwords[f"mysql_{account}"],
        connection_timeout=SECONDS,
        time_zone="+00:00",
        # Airflow's account alters tables, and waits for locks as long as necessary.
        init_command=None if account == "airflow" else LOCKS,
    )


def mysql(env: Environment) -> str | None:
    """The server accepts a login."""
    try:
        mysql_connection(env).close()
    except MySqlError as error:
        return f"does not answer: {error.msg}"
    return None


def postgres_connection(env: Environment) -> Any:
    """A connection to Airflow's metadata. Raises psycopg2.Error."""
    return psycopg2.connect(env.metadata_url.replace("+psycopg2", ""), connect_timeout=SECONDS)


def postgres(env: Environment) -> str | None:
    """The server accepts a login."""
    try:
        postgres_connection(env).close()
    except psycopg2.Error as error:
        return f"does not answer: {str(error).strip().splitlines()[0]}"
    return None


def elasticsearch(env: Environment) -> str | None:
    """The cluster is not red."""
    try:
        url = f"http://{HOST}:{env.ports.elasticsearch}/_cluster/health"
        colour = _get(url)["status"]
    except httpx.HTTPError as error:
        return f"does not answer: {error}"
    return "the cluster is red" if colour == "red" else None


def indexer(env: Environment) -> str | None:
    """The indexer has joined its consumer group, once its topic exists."""
    client = admin(env)  # needs a name: a client that is garbage-collected never delivers its results
    try:
        if STATUS_TOPIC not in client.list_topics(timeout=SECONDS).topics:
            return None
        group = client.describe_consumer_groups([GROUP], request_timeout=SECONDS)[GROUP].result(SECONDS)
    except (KafkaException, TimeoutError) as error:
        return f"its consumer group is unknown: {error}"
    return None if group.state == ConsumerGroupState.STABLE else f"its consumer group is {group.state.name.lower()}"


def api_server(env: Environment) -> str | None:
    """The server answers users and tasks. At its start it takes seconds to build the API versions for tasks."""
    try:
        _get(f"{env.airflow_url}/execution/health")
    except httpx.HTTPError as error:
        return f"does not answer tasks: {error}"
    return airflow("metadatabase")(env)


def airflow(part: str) -> Callable[[Environment], str | None]:
    """Returns the probe of one component, by its name in Airflow's health report."""

    def probe(env: Environment) -> str | None:
        try:
            report = _get(f"{env.airflow_url}/api/v2/monitor/health")
        except httpx.HTTPError as error:
            return f"the API server does not answer: {error}"
        status = report.get(part, {}).get("status")
        return None if status == "healthy" else f"reports itself {status or 'absent'}"

    return probe


def _get(url: str) -> Any:
    # No proxy, whose scheme httpx may not support, and no certificates, which are slow to load.
    return httpx.get(url, timeout=SECONDS, verify=False, trust_env=False).raise_for_status().json()  # noqa: S501


def nothing_to_ask(env: Environment) -> None:
    """The probe of a program that counts as healthy while it runs."""
