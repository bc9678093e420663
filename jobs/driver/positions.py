"""Where each query begins: behind what its sink holds already, so that a restart judges and loads nothing twice.

A partition's verdicts keep the order of its logs, and load's progress is written with its rows. So the sinks know how
far each query came, to the log, at any kill; a checkpoint knows its last whole batch only.
"""

from collections.abc import Callable, Mapping
from contextlib import closing
from typing import Any, Final

from confluent_kafka import Consumer

from include import names
from include.clients import kafka
from include.driver.exit_codes import DriverEnd
from include.settings import Settings
from include.topics import hops
from jobs.database import Database
from jobs.ends import EndError

STANDS: Final = 3
"""So many beginnings at the same log are no chance: two drivers may have been killed."""

_BEGUN: Final = f"{names.LOGS_DATABASE}.{names.BEGUN_TABLE}"
_BEGINS: Final = (
    f"INSERT INTO {_BEGUN} (kafka_partition, next_offset, times) VALUES (%s, %s, 1) ON DUPLICATE KEY UPDATE"  # noqa: S608
    " times = IF(next_offset = VALUES(next_offset), times + 1, 1), next_offset = VALUES(next_offset)"
)
_STANDS: Final = f"SELECT kafka_partition FROM {_BEGUN} WHERE times >= %s"  # noqa: S608


class LogsGoneError(EndError):
    """Kafka has removed messages that were not processed yet."""

    exit_code = DriverEnd.LOGS_GONE


def of_logs(database: Database, settings: Settings) -> dict[int, int]:
    """The first offset of each partition of server-logs that has no verdict yet. Raises LogsGoneError."""
    with hops.looking(kafka.native(settings), names.DRIVER) as consumer:
        # The tables may know more than the topic, when its messages have expired.
        topics = hops.read_topics(consumer, _loaded(database, hops.read_loaded_logs))
        found = {number: topics.classified.get(number, 0) for number in topics.logs}
        return _from_what_is_there(consumer, names.LOGS_TOPIC, found, "last_offset")


def of_verdicts(database: Database, settings: Settings) -> dict[int, int]:
    """The first offset of each partition of server-logs-status that is not loaded yet. Raises LogsGoneError."""
    with hops.looking(kafka.native(settings), names.DRIVER) as consumer:
        ends = hops.topic_ends(consumer, names.STATUS_TOPIC)
        loaded = _loaded(database, hops.read_loaded)
        found = {number: loaded.get(number, 0) for number in ends}
        return _from_what_is_there(consumer, names.STATUS_TOPIC, found, "status_offset")


def stands(database: Database, begin: Mapping[int, int], ends: Mapping[int, int]) -> list[int]:
    """Notes where classify begins; the partitions where it does so at the same log for the STANDS-th time in a row.

    So it would be ended by that log each time, or by one behind it. Those of which no log waits do not count.
    """
    waiting = {number: offset for number, offset in begin.items() if offset < ends[number]}
    with database.session() as connection, closing(connection.cursor()) as cursor:
        cursor.executemany(_BEGINS, list(waiting.items()))
        cursor.execute(_STANDS, (STANDS,))
        found: Any = cursor.fetchall()
        connection.commit()
    return [number for (number,) in found if number in waiting]


def ends_of_logs(settings: Settings) -> dict[int, int]:
    """The next offset of each partition of server-logs."""
    with hops.looking(kafka.native(settings), names.DRIVER) as consumer:
        return hops.topic_ends(consumer, names.LOGS_TOPIC)


def ends_of_verdicts(settings: Settings) -> dict[int, int]:
    """The next offset of each partition of server-logs-status."""
    with hops.looking(kafka.native(settings), names.DRIVER) as consumer:
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
