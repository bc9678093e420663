"""Where each query begins: behind what its sink holds already, so that a restart judges and loads nothing twice.

A partition's verdicts keep the order of its logs, and load's progress is written with its rows. So the sinks know how
far each query came, to the log, at any kill; a checkpoint knows its last whole batch only.
"""

from collections.abc import Callable, Mapping
from contextlib import closing
from typing import Any

from confluent_kafka import Consumer

from include import hops, kafka_client, names
from include.driver_ends import DriverEnd
from include.settings import Settings
from jobs.database import Database
from jobs.ends import EndError


class LogsGoneError(EndError):
    """Kafka has removed messages that were not processed yet."""

    exit_code = DriverEnd.LOGS_GONE


def of_logs(database: Database, settings: Settings) -> dict[int, int]:
    """The first offset of each partition of server-logs that has no verdict yet. Raises LogsGoneError."""
    with hops.looking(kafka_client.native(settings), names.DRIVER) as consumer:
        # The tables may know more than the topic, when its messages have expired.
        topics = hops.read_topics(consumer, _loaded(database, hops.read_loaded_logs))
        found = {number: topics.classified.get(number, 0) for number in topics.logs}
        return _from_what_is_there(consumer, names.LOGS_TOPIC, found, "last_offset")


def of_verdicts(database: Database, settings: Settings) -> dict[int, int]:
    """The first offset of each partition of server-logs-status that is not loaded yet. Raises LogsGoneError."""
    with hops.looking(kafka_client.native(settings), names.DRIVER) as consumer:
        ends = hops.topic_ends(consumer, names.STATUS_TOPIC)
        loaded = _loaded(database, hops.read_loaded)
        found = {number: loaded.get(number, 0) for number in ends}
        return _from_what_is_there(consumer, names.STATUS_TOPIC, found, "status_offset")


def ends_of_verdicts(settings: Settings) -> dict[int, int]:
    """The next offset of each partition of server-logs-status."""
    with hops.looking(kafka_client.native(settings), names.DRIVER) as consumer:
        return hops.topic_ends(consumer, names.STATUS_TOPIC)


def _loaded(database: Database, read: Callable[[Any], dict[int, int]]) -> dict[int, int]:
    with database.session() as connection, closing(connection.cursor()) as cursor:
        return read(cursor)


def _from_what_is_there(consumer: Consumer, topic: str, found: Mapping[int, int], column: str) -> dict[int, int]:
    """A partition of which nothing was processed begins with what is still there; else nothing may be gone."""
    positions, ranges = {}, hops.topic_ranges(consumer, topic)
    for number, position in found.items():
        first, end = ranges[number]
        if position and not first <= position <= end:
            raise LogsGoneError(
                f"{topic}, partition {number}: to go on at offset {position}, but the topic has {first} to {end}:"
                " messages were removed before they were processed. To go on without them, set"
                f" {column} = {first - 1} in the row of partition {number} of"
                f" {names.LOGS_DATABASE}.{names.PROGRESS_TABLE}; ./logsieve up --fresh begins with empty tables."
            )
        positions[number] = max(position, first)
    return positions
