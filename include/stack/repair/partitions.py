"""Adds partitions to both topics: what `./logsieve topics --partitions N` does."""

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
from include.stack.servers import probes

_SECONDS: Final = 10


def add(env: Environment, wanted: int) -> dict[str, tuple[int, int]]:
    """Raises both topics to so many partitions; how many each had and has now. Again and again does no harm.

    The tables get slices for them first, while these are empty. Raises StackError when a topic has more already, for
    Kafka cannot take one away, is not there, or Kafka or MySQL is away.
    """
    client = probes.admin(env)
    try:
        topics = client.list_topics(timeout=_SECONDS).topics
        if missing := {LOGS_TOPIC, STATUS_TOPIC} - topics.keys():
            raise StackError(
                f"There is no topic {', '.join(sorted(missing))} yet.",
                "The DAG bootstrap makes it: ./logsieve airflow dags trigger bootstrap",
            )
        # The status topic first: the partition of a log's verdict has to be there before the log.
        had = {topic: len(topics[topic].partitions) for topic in (STATUS_TOPIC, LOGS_TOPIC)}
        if (most := max(had.values())) > wanted:
            raise StackError(
                f"There are {most} partitions already, and Kafka cannot take one away: {wanted} is too few.",
                f"Give {most} or more; fewer need new topics: ./logsieve up --fresh",
            )
        if min(had.values()) < wanted:
            _make_slices(env, wanted)
        for topic, count in had.items():
            if count < wanted:
                client.create_partitions([NewPartitions(topic, wanted)])[topic].result(_SECONDS)
    except (KafkaException, TimeoutError) as error:
        told = error.args[0].str() if isinstance(error, KafkaException) else "no answer"
        raise StackError(f"Kafka did not add partitions: {told}", "./logsieve status; then try again.") from error
    return {topic: (count, wanted) for topic, count in had.items()}


def _make_slices(env: Environment, partitions: int) -> None:
    bounds = divide(env.disk_gib)
    try:
        with (
            closing(probes.mysql_connection(env, "airflow")) as connection,
            closing(connection.cursor()) as cursor,
            slices.locked(cursor),
        ):
            slices.make(cursor, partitions, env.settings.retention_days, bounds.tables if bounds else None)
    except (mysql.connector.Error, slices.BusyError) as error:
        raise StackError(f"MySQL did not make room for them: {error}", "./logsieve status; then try again.") from error
