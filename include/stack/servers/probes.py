"""Asks each server whether it does its work. A probe gives None when all is well, else one short sentence."""

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
"""How long a server may take to answer a probe."""


def admin(env: Environment) -> AdminClient:
    """An admin client of the stack's Kafka; it prints nothing, the probe's sentence says what it meets."""
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
    """A connection in UTC, that may only read, or whatever the stream or Airflow may. Raises mysql.connector.Error."""
    settings = env.settings
    users = {"reader": settings.mysql_reader_user, "stream": settings.mysql_stream_user, "airflow": "logsieve_airflow"}
    return connect(
        host=HOST,
        port=env.ports.mysql,
        user=users[account],
        password=env.passwords[f"mysql_{account}"],
        connection_timeout=SECONDS,
        time_zone="+00:00",
        # Airflow's changes tables, and waits as long as that takes.
        init_command=None if account == "airflow" else LOCKS,
    )


def mysql(env: Environment) -> str | None:
    """The server takes a login."""
    try:
        mysql_connection(env).close()
    except MySqlError as error:
        return f"does not answer: {error.msg}"
    return None


def postgres_connection(env: Environment) -> Any:
    """A connection to Airflow's metadata. Raises psycopg2.Error."""
    return psycopg2.connect(env.metadata_url.replace("+psycopg2", ""), connect_timeout=SECONDS)


def postgres(env: Environment) -> str | None:
    """The server takes a login."""
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
    """The indexer is a member of its consumer group, once there is a topic to read."""
    client = admin(env)  # kept in a name: the answers of a client that is thrown away never come
    try:
        if STATUS_TOPIC not in client.list_topics(timeout=SECONDS).topics:
            return None
        group = client.describe_consumer_groups([GROUP], request_timeout=SECONDS)[GROUP].result(SECONDS)
    except (KafkaException, TimeoutError) as error:
        return f"cannot be asked for: {error}"
    return None if group.state == ConsumerGroupState.STABLE else f"its consumer group is {group.state.name.lower()}"


def api_server(env: Environment) -> str | None:
    """The server answers people and tasks. For tasks it first builds all versions of their API, which takes seconds."""
    try:
        _get(f"{env.airflow_url}/execution/health")
    except httpx.HTTPError as error:
        return f"does not answer tasks: {error}"
    return airflow("metadatabase")(env)


def airflow(part: str) -> Callable[[Environment], str | None]:
    """A probe of one part, by its name in Airflow's own health report."""

    def probe(env: Environment) -> str | None:
        try:
            report = _get(f"{env.airflow_url}/api/v2/monitor/health")
        except httpx.HTTPError as error:
            return f"the API server does not answer: {error}"
        status = report.get(part, {}).get("status")
        return None if status == "healthy" else f"reports itself {status or 'absent'}"

    return probe


def _get(url: str) -> Any:
    # Neither a proxy, which httpx may not even know, nor certificates, whose loading would cost more than all the rest.
    return httpx.get(url, timeout=SECONDS, verify=False, trust_env=False).raise_for_status().json()  # noqa: S501


def nothing_to_ask(env: Environment) -> None:
    """For a program that is well when it runs."""
