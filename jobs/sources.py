"""Where the jobs read from: the logs, and MySQL."""

import json
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode

from pyspark.sql import DataFrame, DataFrameReader, SparkSession

from include import names
from include.clients import kafka
from include.settings import Settings, Trigger
from jobs import trust_store

# Of one micro-batch, all partitions together: what bounds memory when millions wait.
_CAP: Final = "200000"


def logs(
    spark: SparkSession, settings: Settings, trigger: Trigger, begin: Mapping[int, int], poll_records: int = 10_000
) -> DataFrame:
    """The stream of logs: partition int, offset bigint, timestamp, value binary (null: a tombstone).

    `begin`: first offset by partition; a partition that is added later is read from its first. `poll_records`: see
    jobs/judging/ahead.py.
    """
    stream = (
        spark.readStream.format("kafka")
        .options(**kafka.spark(settings))
        .option("subscribe", names.LOGS_TOPIC)
        .option("startingOffsets", json.dumps({names.LOGS_TOPIC: begin}))
        # Offsets that are gone are logs without a status: that has to stop us, not to be skipped.
        .option("failOnDataLoss", "true")
        .option("kafka.max.poll.records", str(poll_records))
    )
    if trigger != "realtime":  # which holds no batch in memory, and refuses a cap
        stream = stream.option("maxOffsetsPerTrigger", _CAP)
    return stream.load().select("partition", "offset", "timestamp", "value")


def logs_between(spark: SparkSession, settings: Settings, ranges: Mapping[int, tuple[int, int]]) -> DataFrame:
    """A bounded frame of logs, columns as in `logs`. `ranges`: by partition, first offset and behind the last."""
    offsets = [{names.LOGS_TOPIC: {number: ends[side] for number, ends in ranges.items()}} for side in (0, 1)]
    return (
        spark.read.format("kafka")
        .options(**kafka.spark(settings))
        .option("assign", json.dumps({names.LOGS_TOPIC: list(ranges)}))
        .option("startingOffsets", json.dumps(offsets[0]))
        .option("endingOffsets", json.dumps(offsets[1]))
        .load()
        .select("partition", "offset", "timestamp", "value")
    )


def rows(spark: SparkSession, settings: Settings, query: str, at_once: int = 200) -> DataFrame:
    """What MySQL answers to the query, a few rows at a time: raw of bad logs may be 64 KiB each."""
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
