"""Reads logs of given origins from the topic again: with Spark, or with librdkafka where Spark cannot read them all."""

import itertools
from collections.abc import Iterator
from typing import Final

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from include import names
from include.clients.outside import Outside
from include.driver.rejudgement import Range
from include.topics import hops
from jobs import session, sources
from jobs.judging import ahead, one_by_one
from jobs.judging.ahead import Log

UNREADABLE: Final = "unreadable"
"""Column with the verdict on a log that cannot be judged, a status message of revision 0; null if it can be judged."""

_COLUMNS: Final = ("partition", "offset", "timestamp", "value", UNREADABLE)


def bounds(origins: DataFrame) -> list[Range]:
    """The number of origins (partition, offset) in each partition, with their first and last offset."""
    counted = origins.groupBy("partition").agg(F.min("offset"), F.max("offset"), F.count("*"))
    return [Range(*row) for row in counted.orderBy("partition").collect()]


def read(
    spark: SparkSession, outside: Outside, wanted: DataFrame, within: list[Range]
) -> tuple[DataFrame, list[Range]]:
    """Returns the logs of these origins (partition, offset) with the column UNREADABLE, and those Kafka has removed."""
    with outside.looking(names.DRIVER) as consumer:
        kept = hops.topic_ranges(consumer, names.LOGS_TOPIC)
    ranges = {b.partition: (max(b.first, kept[b.partition][0]), b.last + 1) for b in within}
    ranges = {number: (first, end) for number, (first, end) in ranges.items() if first < end}
    removed = F.lit(False)
    for b in within:
        removed |= (F.col("partition") == b.partition) & (F.col("offset") < kept[b.partition][0])
    gone = bounds(wanted.filter(removed)) if any(b.first < kept[b.partition][0] for b in within) else []
    columns = [F.lit(None).cast(kind).alias(name) for name, kind in (("timestamp", "timestamp"), ("value", "binary"))]
    found = wanted.filter("false").select("partition", "offset", *columns).withColumn(UNREADABLE, _no_text())
    for number in _odd(spark, outside, ranges):
        found = found.unionByName(_with_librdkafka(spark, outside, number, *ranges.pop(number), wanted))
    if ranges:
        by_spark = sources.logs_between(spark, outside, ranges).join(wanted, ["partition", "offset"], how="left_semi")
        found = found.unionByName(by_spark.withColumn(UNREADABLE, _no_text()))
    return found, gone


def verdict(revision: Column) -> Column:
    """The column `verdict`, or the verdict in UNREADABLE, with this revision, if there is one."""
    with_revision = F.concat(F.lit('"revision":'), revision.cast("string"))
    return F.coalesce(F.replace(F.col(UNREADABLE), F.lit('"revision":0'), with_revision), F.col("verdict"))


def _no_text() -> Column:
    return F.lit(None).cast("string")


def _odd(spark: SparkSession, outside: Outside, ranges: dict[int, tuple[int, int]]) -> list[int]:
    """The partitions whose whole range Spark cannot read."""
    heap, found = session.heap(spark), []
    with ahead.reader(outside) as consumer:
        for number, (first, end) in ranges.items():
            logs = _up_to(end, ahead.read(consumer, number, first, heap))
            if any(ahead.is_odd(log) for log in logs):
                found.append(number)
    return found


def _with_librdkafka(
    spark: SparkSession, outside: Outside, number: int, first: int, end: int, wanted: DataFrame
) -> DataFrame:
    """Reads the wanted logs of one partition; holds all of them in memory."""
    offsets = {row.offset for row in wanted.filter(F.col("partition") == number).select("offset").collect()}
    with ahead.reader(outside) as consumer:
        logs = [
            log
            for log in _up_to(end, ahead.read(consumer, number, first, session.heap(spark)))
            if log.offset in offsets
        ]
    verdicts = [
        (log.offset, None if log.is_readable else one_by_one.unreadable(number, log, 0).decode()) for log in logs
    ]
    unreadable = spark.createDataFrame(verdicts, f"offset long, {UNREADABLE} string")
    return one_by_one.frame(spark, number, logs).join(unreadable, "offset").select(*_COLUMNS)


def _up_to(end: int, logs: Iterator[Log]) -> Iterator[Log]:
    return itertools.takewhile(lambda log: log.offset < end, logs)
