"""The start of classify: after logs that Spark cannot read, or that made it fail before; one_by_one.py judges these."""

import time
from typing import Final

from confluent_kafka import KafkaException
from pyspark.sql import SparkSession

from include.clients.outside import Outside
from jobs import session
from jobs.database import Database
from jobs.driver import positions
from jobs.ends import Stop
from jobs.judging import ahead, one_by_one
from jobs.judging.ahead import Ahead
from jobs.judging.users import Users

_ONE_BY_ONE_SECONDS: Final = 30
"""If Spark can read none of the logs, the rest of the driver runs at this interval."""


def begin(
    spark: SparkSession, outside: Outside, database: Database, users: Users, stop: Stop
) -> tuple[dict[int, int], int]:
    """Returns the first offset of each partition that has no verdict yet, and the most logs per poll.

    Raises LogsGoneError, QueryFailedError, KafkaException and errors of MySQL.
    """
    heap, until = session.heap(spark), time.monotonic() + _ONE_BY_ONE_SECONDS
    first, seen = positions.of_logs(database, outside), Ahead({}, ahead.POLL_RECORDS)
    stuck = positions.stuck(database, first, positions.ends_of_logs(outside))
    while not stop.asked.is_set():
        seen = ahead.look(outside, first, heap)
        ends = {**seen.odd, **{number: first[number] + ahead.POLL_RECORDS for number in stuck}}
        if not ends or time.monotonic() > until:
            break
        one_by_one.judge_up_to(spark, outside, (users.frame, users.version), first, ends, heap, stop)
        first, stuck = positions.of_logs(database, outside), []
    return first, seen.poll_records


def can_skip_failure(spark: SparkSession, outside: Outside, database: Database) -> bool:
    """Whether the next logs explain why classify failed, so `begin` gets past them. All it sent must have arrived."""
    try:
        return bool(ahead.look(outside, positions.of_logs(database, outside), session.heap(spark)).odd)
    except KafkaException:
        return False
