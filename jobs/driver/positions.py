"""The starting position of each query: after the last log in its sink, so a restart judges and loads nothing twice.

A partition's verdicts keep the order of its logs, and load's progress is committed with its rows. So the sinks show
exactly how far each query got, after any kill; a checkpoint has only its last complete batch.
"""

from collections.abc import Callable, Mapping
from contextlib import closing
from typing import Any, Final

from confluent_kafka import Consumer

from include import names
from include.clients.outside import Outside
from include.driver.exit_codes import DriverEnd
from include.topics import hops
from jobs.database import Database
from jobs.ends import EndError

STUCK_STARTS: Final = 3
"""This many starts in a row at the same log are no coincidence; fewer can come from killed drivers."""

_BEGUN: Final = f"{names.LOGS_DATABASE}.{names.BEGUN_TABLE}"
_BEGINS: Final = (
    f"INSERT INTO {_BEGUN} (kafka_partition, next_offset, times) VALUES (%s, %s, 1) ON DUPLICATE KEY UPDATE"
    " times = IF(next_offset = VALUES(next_offset), times + 1, 1), next_offset = VALUES(next_offset)"
)
_STUCK: Final = f"SELECT kafka_partition FROM {_BEGUN} WHERE times >= %s"


class LogsGoneError(EndError):
    """Kafka has removed messages before they were processed."""

    exit_code = DriverEnd.LOGS_GONE


def of_logs(database: Database, outside: Outside) -> dict[int, int]:
    """The first offset of each partition of server-logs that has no verdict yet. Raises LogsGoneError."""
    with outside.looking(names.DRIVER) as consumer:
        # If messages of the status topic have expired, the tables may be ahead of it.
        topics = hops.read_topics(consumer, _loaded(database, hops.read_loaded_logs))
        found = {number: topics.classified.get(number, 0) for number in topics.logs}
        return _positions(consumer, names.LOGS_TOPIC, found, "last_offset")


def of_verdicts(database: Database, outside: Outside) -> dict[int, int]:
    """The first offset of each partition of server-logs-status that is not loaded yet. Raises LogsGoneError."""
    with outside.looking(names.DRIVER) as consumer:
        ends = hops.topic_ends(consumer, names.STATUS_TOPIC)
        loaded = _loaded(database, hops.read_loaded)
        found = {number: loaded.get(number, 0) for number in ends}
        return _positions(consumer, names.STATUS_TOPIC, found, "status_offset")


def stuck(database: Database, begin: Mapping[int, int], ends: Mapping[int, int]) -> list[int]:
    """Records where classify starts; returns the partitions where it is at least the STUCK_STARTS-th start at one log.

    That log, or one after it, apparently makes classify fail each time. Partitions without a backlog do not count.
    """
    waiting = {number: offset for number, offset in begin.items() if offset < ends[number]}
    with database.session() as connection, closing(connection.cursor()) as cursor:
        cursor.executemany(_BEGINS, list(waiting.items()))
        cursor.execute(_STUCK, (STUCK_STARTS,))
        found: Any = cursor.fetchall()
        connection.commit()
    return [number for (number,) in found if number in waiting]


def ends_of_logs(outside: Outside) -> dict[int, int]:
    """The next offset of each partition of server-logs."""
    with outside.looking(names.DRIVER) as consumer:
        return hops.topic_ends(consumer, names.LOGS_TOPIC)


def ends_of_verdicts(outside: Outside) -> dict[int, int]:
    """The next offset of each partition of server-logs-status."""
    with outside.looking(names.DRIVER) as consumer:
        return hops.topic_ends(consumer, names.STATUS_TOPIC)


def _loaded(database: Database, read: Callable[[Any], dict[int, int]]) -> dict[int, int]:
    with database.session() as connection, closing(connection.cursor()) as cursor:
        return read(cursor)


def _positions(consumer: Consumer, topic: str, found: Mapping[int, int], column: str) -> dict[int, int]:
    """The offsets in `found`, or a partition's oldest offset if none of it was processed. Raises LogsGoneError."""
    positions, ranges = {}, hops.topic_ranges(consumer, topic)
    for number, position in found.items():
        first, end = ranges[number]
        if position and not first <= position <= end:
            raise LogsGoneError(
                f"{topic}, partition {number}: the next offset is {position}, but the topic has {first} to {end}:"
                " messages were removed before they were processed. To continue without them, set"
                f" {column} = {first - 1} in the row of partition {number} of"
                f" {names.LOGS_DATABASE}.{names.PROGRESS_TABLE}. To start with empty tables: ./logsieve up --fresh"
            )
        positions[number] = max(position, first)
    return positions
