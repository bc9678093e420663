"""Judges logs that Spark's Kafka source cannot read: with the same functions and users, but read with librdkafka.

Logs that still cannot be judged are bad, as `unreadable`. A partition's verdicts keep the order of its logs.
"""

import base64
import itertools
import json
import logging
from collections.abc import Iterator, Mapping
from typing import Any, Final

import pyarrow as pa
from confluent_kafka import Producer
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession

from include import names
from include.clients.outside import Outside
from include.contract import reading, reasons
from include.contract.tables import VERSION
from include.source.sender import producer_settings
from include.topics import marks
from include.topics import times as kafka_time
from include.watch import mysql_trouble
from jobs.ends import QueryFailedError, Stop
from jobs.judging import ahead, judge
from jobs.judging.ahead import Log

_LOGS: Final = 1000
"""The most logs judged together; they also have at most about as many bytes as the largest log may have."""
_SEND_SECONDS: Final = 1

_log = logging.getLogger("logsieve.one_by_one")


def judge_up_to(
    spark: SparkSession,
    outside: Outside,
    users: tuple[DataFrame, int],
    begin: Mapping[int, int],
    ends: Mapping[int, int],
    heap: int,
    stop: Stop,
) -> None:
    """Judges the logs of each partition from `begin` up to `ends` and sends their verdicts, until a stop is requested.

    `users`: the frame of `users.read`, and its version. `heap`: Java's heap in bytes. Raises KafkaException,
    QueryFailedError, and Spark's errors unless a single log causes them.
    """
    producer = Producer({**producer_settings(outside.kafka), "compression.type": "lz4", "log_level": 2})
    with ahead.reader(outside) as consumer:
        for partition, end in ends.items():
            logs = ahead.read(consumer, partition, begin[partition], heap)
            count = lost = 0
            for some in _pieces(itertools.takewhile(lambda log, end=end: log.offset < end, logs), heap):  # type: ignore[misc]
                if stop.asked.is_set():
                    return
                for log, verdict in verdicts(spark, users, partition, some):
                    key = names.origin_key(partition, log.offset)
                    value = verdict or unreadable(partition, log, users[1])
                    producer.produce(names.STATUS_TOPIC, value, key, partition, headers=[marks.STREAM])
                    count, lost = count + 1, lost + (verdict is None)
                _send(producer, stop)
            _log.warning(
                "%s, partition %d: %d logs from offset %d were judged one by one because Spark cannot read all of them;"
                " %d are %s",
                *(names.LOGS_TOPIC, partition, count, begin[partition], lost, reasons.UNREADABLE),
            )


def _pieces(logs: Iterator[Log], heap: int) -> Iterator[list[Log]]:
    piece: list[Log] = []
    size = 0
    for log in logs:
        piece.append(log)
        size += len(log.value or b"")
        if len(piece) == _LOGS or size > ahead.largest(heap):
            yield piece
            piece, size = [], 0
    if piece:
        yield piece


def verdicts(
    spark: SparkSession, users: tuple[DataFrame, int], partition: int, logs: list[Log]
) -> list[tuple[Log, bytes | None]]:
    """Each log with its status message, in order; None for a log that cannot be judged, which halving finds."""
    whole = [log for log in logs if log.is_readable]
    found = _by_halving(spark, users[0], partition, whole) if whole else {}
    return [(log, found.get(log.offset)) for log in logs]


def _by_halving(spark: SparkSession, users: DataFrame, partition: int, logs: list[Log]) -> dict[int, bytes]:
    try:
        return _judged(spark, users, partition, logs)
    except PySparkException as error:
        if mysql_trouble.of(error):
            raise
        if len(logs) == 1:
            # Raises if no log at all can be judged, so that this one is not blamed.
            _judged(spark, users, partition, [Log(logs[0].offset, 0, b"", 0)])
            _log.exception("%s cannot be judged", names.origin_key(partition, logs[0].offset))
            return {}
    half = len(logs) // 2
    return _by_halving(spark, users, partition, logs[:half]) | _by_halving(spark, users, partition, logs[half:])


def _judged(spark: SparkSession, users: DataFrame, partition: int, logs: list[Log]) -> dict[int, bytes]:
    judged = judge.judge(frame(spark, partition, logs), users).select("offset", "verdict")
    return {row.offset: row.verdict.encode() for row in judged.collect()}


def frame(spark: SparkSession, partition: int, logs: list[Log]) -> DataFrame:
    """The logs with the columns of `sources.logs`; times are limited to what can be stored."""
    times = pa.array([kafka_time.held(log.milliseconds) for log in logs], pa.timestamp("ms", tz="UTC"))
    columns = {
        "partition": pa.array([partition] * len(logs), pa.int32()),
        "offset": pa.array([log.offset for log in logs], pa.int64()),
        "timestamp": times.cast(pa.timestamp("us", tz="UTC")),
        "value": pa.array([log.value for log in logs], pa.binary()),
    }
    return spark.createDataFrame(pa.table(columns))


def unreadable(partition: int, log: Log, users_version: int) -> bytes:
    """The status message, in the form that JudgeLog.java writes."""
    received_at = f"{kafka_time.utc(log.milliseconds):%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z"
    raw = None if log.value is None else base64.b64encode(log.value[: names.MAX_RAW]).decode()
    contract = reading.current()
    message: dict[str, Any] = {
        **dict.fromkeys(contract.names),
        "status": names.BAD,
        "reasons": [reasons.UNREADABLE],
        "origin": {"kafka_partition": partition, "kafka_offset": log.offset},
        "received_at": received_at,
        "users_version": users_version,
        "revision": 0,
        **({VERSION: contract.version} if contract.version > 1 else {}),
        "raw": raw,
        "raw_size": log.size,
    }
    return json.dumps(message, separators=(",", ":")).encode()


def _send(producer: Producer, stop: Stop) -> None:
    """Waits until Kafka has all verdicts: logs of later arrivals would be judged twice once classify has a position."""
    while producer.flush(_SEND_SECONDS):
        if stop.asked.is_set():
            producer.purge()
            raise QueryFailedError("Kafka does not accept verdicts: see ./logsieve status")
