"""Goes on with topics that were made anew: what `./logsieve topics --adopt` does.

Each step may be done again, and the ids of the topics are kept last: a run that broke off is simply repeated, and until
one has come to its end no driver starts.
"""

import xmlrpc.client
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from confluent_kafka import OFFSET_END, Consumer, ConsumerGroupTopicPartitions, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient
from elasticsearch import Elasticsearch

from include.driver import lease
from include.index.indexer import GROUP
from include.names import (
    ARRIVED_TABLE,
    BEGUN_TABLE,
    EXPIRED_TABLE,
    FOREIGN_TABLE,
    LOGS_DATABASE,
    LOGS_TOPIC,
    PROGRESS_TABLE,
    RECONCILED_TABLE,
    STATUS_TOPIC,
)
from include.retention import slices
from include.stack.airflow import stream
from include.stack.environment import HOST, Environment
from include.stack.errors import StackError
from include.stack.repair import set_apart
from include.stack.run import supervisor
from include.stack.run.status import AWAY, kafka_consumer
from include.stack.servers import probes
from include.topics import hops
from include.topics import ids as topic_ids

_INDEXER: Final = "indexer"
_PROGRESS: Final = f"{LOGS_DATABASE}.{PROGRESS_TABLE}"
_SECONDS: Final = 30


@dataclass(frozen=True)
class _Clients:
    """`cursor` is of the account that may make tables, with autocommit."""

    admin: AdminClient
    consumer: Consumer
    cursor: Any
    index: Elasticsearch


def look(env: Environment) -> tuple[dict[str, str], list[str]]:
    """The ids of both topics, and those that were made anew. Raises StackError when none was, or the stream runs."""
    with _clients(env) as clients:
        if missing := {LOGS_TOPIC, STATUS_TOPIC} - clients.admin.list_topics(timeout=_SECONDS).topics.keys():
            raise StackError(
                f"There is no topic {', '.join(sorted(missing))}.",
                "The DAG bootstrap makes it: ./logsieve airflow dags trigger bootstrap",
            )
        ids = topic_ids.read(clients.admin)
        anew = topic_ids.recreated(ids, topic_ids.known(clients.cursor))
        if not anew:
            raise StackError(
                "There is nothing to adopt: both topics are those whose offsets MySQL has.",
                "./logsieve topics lists them.",
            )
        if stream.runs(env, clients.cursor):
            raise StackError("The stream runs, or Airflow is about to bring it back.", "./logsieve stream stop")
        return ids, anew


def adopt(env: Environment, ids: dict[str, str], anew: list[str], tell: Callable[[str], None]) -> None:
    """Sets apart what both sinks hold, empties the status topic, and keeps these ids as the known ones.

    `tell` is told of each thing that was kept, once it is safe. Raises StackError.
    """
    at = datetime.now(UTC).strftime("%Y%m%dt%H%M%S")
    letters = env.settings.dead_letters
    with _clients(env) as clients, slices.locked(clients.cursor):
        supervisor.halt(env, _INDEXER)
        lease.fence(clients.cursor)
        done = {} if STATUS_TOPIC in anew else _done(clients)
        set_apart.unfinished_verdicts(clients.consumer, done, letters.parent, at, tell)
        ends = _empty(clients.admin)
        set_apart.rows(clients.cursor, at, tell)
        _begin_load(clients.cursor, ends)
        slices.make(clients.cursor, len(ends), env.settings.retention_days)
        set_apart.documents(clients.index, at, tell)
        set_apart.refused_documents(letters, at, tell)
        _begin_index(clients.admin, ends)
        supervisor.run(env, _INDEXER)
        topic_ids.keep(clients.cursor, ids, instead=True)


def _done(clients: _Clients) -> dict[int, int]:
    """Of each status partition, the offset before which every message is in both sinks."""
    loaded = hops.read_loaded(clients.cursor)
    indexed = hops.indexed(clients.consumer, hops.topic_ends(clients.consumer, STATUS_TOPIC))
    return {number: min(loaded.get(number, 0), end) for number, end in indexed.items()}


def _empty(admin: AdminClient) -> dict[int, int]:
    """Removes every status message; the next offset of each partition."""
    partitions = admin.list_topics(timeout=_SECONDS).topics[STATUS_TOPIC].partitions
    emptied = admin.delete_records([TopicPartition(STATUS_TOPIC, number, OFFSET_END) for number in partitions])
    return {at.partition: done.result(_SECONDS).low_watermark for at, done in emptied.items()}


def _begin_load(cursor: Any, ends: dict[int, int]) -> None:
    """No origin is loaded, proven or expired, and the next status message to load is the first to come."""
    tables = (RECONCILED_TABLE, ARRIVED_TABLE, EXPIRED_TABLE, PROGRESS_TABLE, FOREIGN_TABLE, BEGUN_TABLE)
    for table in tables:
        cursor.execute(f"DELETE FROM {LOGS_DATABASE}.{table}")  # noqa: S608
    cursor.executemany(
        f"INSERT INTO {_PROGRESS} (kafka_partition, last_offset, status_offset, loaded_at)"  # noqa: S608
        " VALUES (%s, -1, %s - 1, UTC_TIMESTAMP(3))",
        list(ends.items()),
    )


def _begin_index(admin: AdminClient, ends: dict[int, int]) -> None:
    """The next status message to index is the first to come."""
    places = [TopicPartition(STATUS_TOPIC, number, end) for number, end in ends.items()]
    admin.alter_consumer_group_offsets([ConsumerGroupTopicPartitions(GROUP, places)])[GROUP].result(_SECONDS)


@contextmanager
def _clients(env: Environment) -> Iterator[_Clients]:
    try:
        with (
            kafka_consumer(env) as consumer,
            closing(probes.mysql_connection(env, "airflow")) as connection,
            closing(connection.cursor()) as cursor,
            Elasticsearch(f"http://{HOST}:{env.ports.elasticsearch}", request_timeout=60, max_retries=0) as index,
        ):
            cursor.execute("SET autocommit = 1")
            yield _Clients(probes.admin(env), consumer, cursor, index)
    except (*AWAY, RuntimeError, xmlrpc.client.Error) as error:
        told = error.args[0].str() if isinstance(error, KafkaException) else error
        raise StackError(
            f"The topics are not adopted: {told}",
            "./logsieve status tells which server is away; then ./logsieve topics --adopt again goes on.",
        ) from error
