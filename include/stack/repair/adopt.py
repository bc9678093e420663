"""Implements `./logsieve topics --adopt`: continues with topics that were recreated.

Every step is idempotent, and the topic ids are stored last. An interrupted run is simply repeated, and no driver starts
until a run has completed.
"""

import xmlrpc.client
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from confluent_kafka import OFFSET_END, Consumer, ConsumerGroupTopicPartitions, TopicPartition
from confluent_kafka.admin import AdminClient
from elasticsearch import Elasticsearch

from include.clients.errors import reason
from include.driver import lease
from include.index.template import Shape
from include.names import (
    ARRIVED_TABLE,
    BEGUN_TABLE,
    CORRECTED_TABLE,
    EXPIRED_TABLE,
    FOREIGN_TABLE,
    INDEXER_GROUP,
    LOGS_DATABASE,
    LOGS_TOPIC,
    PROGRESS_TABLE,
    RECONCILED_TABLE,
    STATUS_TOPIC,
)
from include.retention import slices
from include.stack.airflow import stream
from include.stack.environment import Environment
from include.stack.errors import StackError
from include.stack.repair import set_apart
from include.stack.run import supervisor
from include.stack.run.status import CLIENT_ERRORS
from include.topics import hops
from include.topics import ids as topic_ids

_INDEXER: Final = "indexer"
_PROGRESS: Final = f"{LOGS_DATABASE}.{PROGRESS_TABLE}"
_SECONDS: Final = 30


@dataclass(frozen=True)
class _Clients:
    """`cursor` uses the account that may create tables, with autocommit."""

    admin: AdminClient
    consumer: Consumer
    cursor: Any
    index: Elasticsearch


def look(env: Environment) -> tuple[dict[str, str], list[str]]:
    """The ids of both topics, and the recreated topics. Raises StackError if there are none, or if the stream runs."""
    with _clients(env) as clients:
        if missing := {LOGS_TOPIC, STATUS_TOPIC} - clients.admin.list_topics(timeout=_SECONDS).topics.keys():
            raise StackError(
                f"There is no topic {', '.join(sorted(missing))}.",
                "The DAG bootstrap creates it: ./logsieve airflow dags trigger bootstrap",
            )
        ids = topic_ids.read(clients.admin)
        recreated = topic_ids.recreated(ids, topic_ids.known(clients.cursor))
        if not recreated:
            raise StackError(
                "There is nothing to adopt: MySQL already has the ids of both topics.",
                "See them with ./logsieve topics",
            )
        if stream.runs(env, clients.cursor):
            raise StackError(
                "The stream is running, or Airflow is about to restart it.", "Stop it first: ./logsieve stream stop"
            )
        return ids, recreated


def adopt(env: Environment, ids: dict[str, str], recreated: list[str], report: Callable[[str], None]) -> None:
    """Sets the contents of both sinks aside, empties the status topic, and stores the new topic ids.

    `report` receives a line for everything that was set aside, once it is safe. Raises StackError.
    """
    at = datetime.now(UTC).strftime("%Y%m%dt%H%M%S")
    letters = env.settings.dead_letters
    with _clients(env) as clients, slices.locked(clients.cursor):
        supervisor.halt(env, _INDEXER)
        lease.fence(clients.cursor)
        done = {} if STATUS_TOPIC in recreated else _done(clients)
        set_apart.unfinished_verdicts(clients.consumer, done, letters.parent, at, report)
        ends = _empty(clients.admin)
        set_apart.rows(clients.cursor, at, report)
        _reset_load(clients.cursor, ends)
        slices.make(clients.cursor, len(ends), env.settings.retention_days)
        set_apart.documents(clients.index, at, Shape.of(env.settings), report)
        set_apart.refused_documents(letters, at, report)
        _reset_index(clients.admin, ends)
        supervisor.run(env, _INDEXER)
        topic_ids.keep(clients.cursor, ids, instead=True)


def _done(clients: _Clients) -> dict[int, int]:
    """By status partition, the offset up to which (exclusive) every message is in both sinks."""
    loaded = hops.read_loaded(clients.cursor)
    indexed = hops.indexed(clients.consumer, hops.topic_ends(clients.consumer, STATUS_TOPIC))
    return {number: min(loaded.get(number, 0), end) for number, end in indexed.items()}


def _empty(admin: AdminClient) -> dict[int, int]:
    """Deletes every status message; returns the next offset of each partition."""
    partitions = admin.list_topics(timeout=_SECONDS).topics[STATUS_TOPIC].partitions
    emptied = admin.delete_records([TopicPartition(STATUS_TOPIC, number, OFFSET_END) for number in partitions])
    return {at.partition: done.result(_SECONDS).low_watermark for at, done in emptied.items()}


def _reset_load(cursor: Any, ends: dict[int, int]) -> None:
    """Resets `load` to these offsets of the status topic, with no origin loaded, proven or expired."""
    tables = (RECONCILED_TABLE, ARRIVED_TABLE, EXPIRED_TABLE, PROGRESS_TABLE, FOREIGN_TABLE, BEGUN_TABLE)
    for table in (*tables, CORRECTED_TABLE):
        cursor.execute(f"DELETE FROM {LOGS_DATABASE}.{table}")
    cursor.executemany(
        f"INSERT INTO {_PROGRESS} (kafka_partition, last_offset, status_offset, loaded_at)"
        " VALUES (%s, -1, %s - 1, UTC_TIMESTAMP(3))",
        list(ends.items()),
    )


def _reset_index(admin: AdminClient, ends: dict[int, int]) -> None:
    """Resets the indexer to these offsets of the status topic."""
    places = [TopicPartition(STATUS_TOPIC, number, end) for number, end in ends.items()]
    wanted = ConsumerGroupTopicPartitions(INDEXER_GROUP, places)
    admin.alter_consumer_group_offsets([wanted])[INDEXER_GROUP].result(_SECONDS)


@contextmanager
def _clients(env: Environment) -> Iterator[_Clients]:
    try:
        with (
            env.outside.looking(INDEXER_GROUP) as consumer,
            closing(env.outside.mysql("airflow", autocommit=True)) as connection,
            closing(connection.cursor()) as cursor,
            env.outside.search(60) as index,
        ):
            yield _Clients(env.outside.admin(), consumer, cursor, index)
    except (*CLIENT_ERRORS, RuntimeError, xmlrpc.client.Error) as error:
        raise StackError(
            f"The topics are not adopted: {reason(error)}",
            "Find the server that is down with ./logsieve status, then rerun ./logsieve topics --adopt.",
        ) from error
