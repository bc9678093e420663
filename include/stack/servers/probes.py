"""Health probes of the servers. A probe returns None if the server is healthy, else the problem as a short phrase."""

import socket
from collections.abc import Callable
from typing import Any

import httpx
import psycopg2
from confluent_kafka import KafkaException
from mysql.connector import Error as MySqlError

from include.index import group
from include.stack.environment import HOST, Environment
from include.stack.own_servers import Servers

SECONDS = 5
"""Timeout of a probe in seconds."""


def kafka(env: Servers) -> str | None:
    """The broker lists its topics."""
    try:
        env.outside.admin().list_topics(timeout=SECONDS)
    except KafkaException as error:
        return f"does not answer: {error.args[0].str()}"
    return None


def mysql(env: Servers) -> str | None:
    """The server accepts a login."""
    try:
        env.outside.mysql().close()
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


def port(name: str) -> Callable[[Environment], str | None]:
    """The probe of a server that only has to listen on its port."""

    def listens(env: Environment) -> str | None:
        try:
            socket.create_connection((HOST, getattr(env.ports, name)), SECONDS).close()
        except OSError as error:
            return f"does not answer: {error.strerror or error}"
        return None

    return listens


def elasticsearch(env: Servers) -> str | None:
    """The cluster is not red."""
    from elastic_transport import TransportError  # takes half a second, too long for `./logsieve --help`
    from elasticsearch import ApiError

    try:
        with env.outside.search(SECONDS) as client:
            colour = client.cluster.health()["status"]
    except ApiError as error:
        return f"refuses: {error}"
    except TransportError as error:
        return f"does not answer: {error.__cause__ or error}"
    return "the cluster is red" if colour == "red" else None


def indexer(env: Servers) -> str | None:
    """The indexer has joined its consumer group, once its topic exists."""
    return group.trouble(env.outside.admin(), SECONDS)


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


def metrics(env: Environment) -> str | None:
    """The program answers; without the token it says no more."""
    try:
        httpx.get(f"http://{HOST}:{env.ports.metrics}/metrics", timeout=SECONDS, trust_env=False)
    except httpx.HTTPError as error:
        return f"does not answer: {error}"
    return None


def nothing_to_ask(env: Environment) -> None:
    """The probe of a program that counts as healthy while it runs."""
