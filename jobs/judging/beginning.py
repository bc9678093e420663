"""Where classify begins: behind the logs that Spark cannot read, or that ended it before. These are judged by hand."""

import time
from typing import Final

from confluent_kafka import KafkaException
from pyspark.sql import SparkSession

from include.settings import Settings
from jobs import session
from jobs.database import Database
from jobs.driver import positions
from jobs.ends import Stop
from jobs.judging import ahead, by_hand
from jobs.judging.ahead import Ahead
from jobs.judging.users import Users

_BY_HAND_SECONDS: Final = 30
"""Where no log can be read by Spark, all else of the driver gets its turn so often."""


def begin(
    spark: SparkSession, settings: Settings, database: Database, users: Users, stop: Stop
) -> tuple[dict[int, int], int]:
    """The first offset of each partition that has no verdict yet, and how many logs a poll may bring.

    Raises LogsGoneError, QueryFailedError, KafkaException and errors of MySQL.
    """
    heap, until = session.heap(spark), time.monotonic() + _BY_HAND_SECONDS
    first, seen = positions.of_logs(database, settings), Ahead({}, ahead.POLL_RECORDS)
    stands = positions.stands(database, first, positions.ends_of_logs(settings))
    while not stop.asked.is_set():
        seen = ahead.look(settings, first, heap)
        ends = {**seen.odd, **{number: first[number] + ahead.POLL_RECORDS for number in stands}}
        if not ends or time.monotonic() > until:
            break
        by_hand.judge_up_to(spark, settings, (users.frame, users.version), first, ends, heap, stop)
        first, stands = positions.of_logs(database, settings), []
    return first, seen.poll_records


def is_behind_what_failed(spark: SparkSession, settings: Settings, database: Database) -> bool:
    """Whether the next logs tell why classify failed, so that `begin` gets over them. What it sent has arrived."""
    try:
        return bool(ahead.look(settings, positions.of_logs(database, settings), session.heap(spark)).odd)
    except KafkaException:
        return False
