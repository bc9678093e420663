"""classify: judges each log once and sends its verdict to the status topic."""

import logging
import threading
from concurrent.futures import Future
from pathlib import Path
from typing import Final

from py4j.protocol import Py4JError
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.streaming.query import StreamingQuery

from include import names
from include.clients import kafka
from include.settings import Settings, Trigger
from include.topics import marks
from jobs import session
from jobs.judging import judge

QUERY: Final = "classify"

_POOL: Final = "org.apache.spark.sql.kafka010.producer.InternalKafkaProducerPool$"
_SETTLE_SECONDS: Final = 8
_LINGER_MILLISECONDS: Final = 20
"""How long a verdict of a micro-batch waits for others."""

_log = logging.getLogger("logsieve.classify")


def messages(judged: DataFrame, mark: tuple[str, bytes] = marks.STREAM) -> DataFrame:
    """Verdicts of `judge.judge` as status messages: key string, value string (JSON), partition int, headers."""
    key = F.concat_ws("-", "partition", "offset")
    header = F.struct(F.lit(mark[0]).alias("key"), F.lit(mark[1]).alias("value"))
    value = F.col("verdict").alias("value")
    return judged.select(key.alias("key"), value, "partition", F.array(header).alias("headers"))


def waits(settings: Settings, trigger: Trigger) -> tuple[int, int]:
    """How long Kafka collects logs before it answers, and how long a verdict waits for others, in milliseconds.

    Fetched and sent one by one, logs cost more CPU. The fetch gets the greater part, because it saves more.
    """
    if trigger != "realtime":
        return 0, _LINGER_MILLISECONDS
    fetch = 4 * settings.wait_milliseconds // 5
    return fetch, settings.wait_milliseconds - fetch


def start(logs: DataFrame, users: DataFrame, settings: Settings, trigger: Trigger, checkpoints: Path) -> StreamingQuery:
    """Starts the query. In real-time mode verdicts are sent at once, and offsets and users are updated once a batch."""
    _, linger = waits(settings, trigger)
    writer = (
        messages(judge.judge(logs, users))
        .writeStream.queryName(QUERY)
        .format("kafka")
        .options(**kafka.spark(settings))
        .option("topic", names.STATUS_TOPIC)
        .option("kafka.batch.size", str(256 * 1024))
        # Verdicts are mostly names of fields: compressing them costs less than their bytes do.
        .option("kafka.compression.type", "lz4")
        .option("kafka.linger.ms", linger)
        # With Kafka's default of two minutes, a batch could be given up while later ones arrive; a restart continues
        # after the last verdict, so its logs would never be judged.
        .option("kafka.delivery.timeout.ms", str(2**31 - 1))
        # Without a scheme it would be on the cluster's file system, but only this process needs it.
        .option("checkpointLocation", f"file:{checkpoints / QUERY}")
        .outputMode("update")
    )
    match trigger:
        case "realtime":
            writer = writer.trigger(realTime=f"{settings.realtime_batch_seconds} seconds")  # type: ignore[call-overload]  # newer than its stub
        case "interval":
            writer = writer.trigger(processingTime=f"{settings.interval_milliseconds} milliseconds")
        case "available-now":
            writer = writer.trigger(availableNow=True)
    return writer.start()


def settle(spark: SparkSession) -> bool:
    """Closes Spark's Kafka producers once Kafka has all their verdicts; returns whether that was in time.

    A stopped query leaves them open, with verdicts in flight, and its tasks may run for a moment longer. Logs whose
    verdicts arrive after the next query has read its starting position would be judged twice.
    """
    settled: Future[bool] = Future()

    def close() -> None:
        try:
            _close_producers(spark)
        except Py4JError as error:  # the JVM or the cluster has gone
            # The first line says only which call it was.
            _log.warning("Kafka's producers were not closed: %s", " ".join(str(error).splitlines()[:2]))
            settled.set_result(False)
        else:
            settled.set_result(True)

    threading.Thread(target=close, name="settle", daemon=True).start()
    try:
        return settled.result(_SETTLE_SECONDS)
    except TimeoutError:
        return False


def _close_producers(spark: SparkSession) -> None:
    session.java_class(spark, _POOL).getField("MODULE$").get(None).reset()
    if slots := session.slots_elsewhere(spark):
        spark.range(0, slots, 1, slots).select(F.call_function(judge.CLOSE, "id")).collect()
