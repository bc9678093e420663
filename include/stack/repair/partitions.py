"""Implements `./logsieve topics --partitions N`: adds partitions to both topics."""

from contextlib import closing
from typing import Final

import mysql.connector
from confluent_kafka import KafkaException
from confluent_kafka.cimpl import NewPartitions

from include.names import LOGS_TOPIC, STATUS_TOPIC
from include.retention import slices
from include.retention.disk_bounds import divide
from include.stack.environment import Environment
from include.stack.errors import StackError

_SECONDS: Final = 10


def add(env: Environment, wanted: int) -> dict[str, tuple[int, int]]:
    """Raises both topics to `wanted` partitions. Returns the old and new number of each topic. Idempotent.

    Creates the slices of the new partitions first, while they are empty. Raises StackError if a topic is missing or
    already has more partitions, or if Kafka or MySQL does not answer.
    """
    client = env.outside.admin()
    try:
        topics = client.list_topics(timeout=_SECONDS).topics
        if missing := {LOGS_TOPIC, STATUS_TOPIC} - topics.keys():
            raise StackError(
                f"There is no topic {', '.join(sorted(missing))} yet.",
                "The DAG bootstrap creates it: ./logsieve airflow dags trigger bootstrap",
            )
        # The status topic first: the partition for a verdict must exist before its log.
        had = {topic: len(topics[topic].partitions) for topic in (STATUS_TOPIC, LOGS_TOPIC)}
        if (most := max(had.values())) > wanted:
            raise StackError(
                f"There are already {most} partitions, and Kafka cannot remove any: {wanted} is too few.",
                f"Pass {most} or more. Fewer require new topics: ./logsieve up --fresh",
            )
        if min(had.values()) < wanted:
            _make_slices(env, wanted)
        for topic, count in had.items():
            if count < wanted:
                client.create_partitions([NewPartitions(topic, wanted)])[topic].result(_SECONDS)
    except (KafkaException, TimeoutError) as error:
        reason = error.args[0].str() if isinstance(error, KafkaException) else "no answer"
        raise StackError(f"Kafka did not add partitions: {reason}", "Check ./logsieve status, then retry.") from error
    return {topic: (count, wanted) for topic, count in had.items()}


def _make_slices(env: Environment, partitions: int) -> None:
    bounds = divide(env.disk_gib)
    try:
        with (
            closing(env.outside.mysql("airflow")) as connection,
            closing(connection.cursor()) as cursor,
            slices.locked(cursor),
        ):
            slices.make(cursor, partitions, env.settings.retention_days, bounds.tables if bounds else None)
    except (mysql.connector.Error, slices.BusyError) as error:
        raise StackError(f"MySQL did not add slices: {error}", "Check ./logsieve status, then retry.") from error
