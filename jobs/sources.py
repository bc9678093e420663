"""The sources of the jobs: the logs in Kafka, and MySQL."""

import json
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode

from pyspark.sql import DataFrame, DataFrameReader, SparkSession

from include import names
from include.clients.outside import Outside
from include.settings import Settings, Trigger
from jobs import trust_store

# Most logs of one micro-batch, of all partitions together: bounds memory when the backlog has millions.
_CAP: Final = "200000"
# So many bytes of logs are worth an answer of Kafka's at once.
_WORTH_A_FETCH: Final = "1024"


def logs(
    spark: SparkSession,
    outside: Outside,
    trigger: Trigger,
    begin: Mapping[int, int],
    poll_records: int = 10_000,
    wait_milliseconds: int = 0,
) -> DataFrame:
    """The stream of logs: partition int, offset bigint, timestamp, value binary (null: a tombstone).

    `begin`: first offset by partition; a partition that is added later is read from its first offset. `poll_records`:
    see jobs/judging/ahead.py. `wait_milliseconds`: how long Kafka collects logs before it answers, with the real-time
    trigger.
    """
    stream = (
        spark.readStream.format("kafka")
        .options(**outside.kafka_for_spark)
        .option("subscribe", names.LOGS_TOPIC)
        .option("startingOffsets", json.dumps({names.LOGS_TOPIC: begin}))
        # Removed offsets are logs without a status: they must cause an error, not be skipped.
        .option("failOnDataLoss", "true")
        .option("kafka.max.poll.records", str(poll_records))
    )
    if trigger != "realtime":  # real-time holds no batch in memory, and refuses a cap
        stream = stream.option("maxOffsetsPerTrigger", _CAP)
    elif wait_milliseconds:
        stream = stream.option("kafka.fetch.min.bytes", _WORTH_A_FETCH)
        stream = stream.option("kafka.fetch.max.wait.ms", str(wait_milliseconds))
    return stream.load().select("partition", "offset", "timestamp", "value")


def logs_between(spark: SparkSession, outside: Outside, ranges: Mapping[int, tuple[int, int]]) -> DataFrame:
    """A bounded frame of logs, with the columns of `logs`. `ranges`: by partition, first offset and last offset + 1."""
    offsets = [{names.LOGS_TOPIC: {number: ends[side] for number, ends in ranges.items()}} for side in (0, 1)]
    return (
        spark.read.format("kafka")
        .options(**outside.kafka_for_spark)
        .option("assign", json.dumps({names.LOGS_TOPIC: list(ranges)}))
        .option("startingOffsets", json.dumps(offsets[0]))
        .option("endingOffsets", json.dumps(offsets[1]))
        .load()
        .select("partition", "offset", "timestamp", "value")
    )


def rows(spark: SparkSession, settings: Settings, query: str, at_once: int = 200) -> DataFrame:
    """The rows of a MySQL query, fetched `at_once` at a time: raw of a bad log may have 64 KiB."""
    more = {"useCursorFetch": "true", "sessionVariables": "group_concat_max_len=1073741824,lock_wait_timeout=5"}
    return _mysql(spark, settings, f"({query}) AS found", **more).option("fetchsize", at_once).load()


def _mysql(spark: SparkSession, settings: Settings, table: str, **more: str) -> DataFrameReader:
    address = f"jdbc:mysql://{settings.mysql_host}:{settings.mysql_port}/"
    utc = {"connectionTimeZone": "UTC", "forceConnectionTimeZoneToSession": "true"}
    parameters = urlencode(utc | trust_store.jdbc_parameters(settings) | more)
    return (
        spark.read.format("jdbc")
        .option("driver", "com.mysql.cj.jdbc.Driver")
        .option("url", f"{address}?{parameters}")
        .option("dbtable", table)
        .option("user", settings.mysql_stream_user)
        .option("password", settings.mysql_stream_password.get_secret_value())
    )
