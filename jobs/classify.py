"""classify: judges each log once and sends its verdict to the status topic."""

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.streaming.query import StreamingQuery

from include import kafka_client, names
from include.settings import Settings, Trigger
from jobs import judge, session

QUERY: Final = "classify"

_SECONDS: Final = "yyyy-MM-dd'T'HH:mm:ss'Z'"
_MILLISECONDS: Final = "yyyy-MM-dd'T'HH:mm:ss.SSS'Z'"
_POOL: Final = "org.apache.spark.sql.kafka010.producer.InternalKafkaProducerPool$"
_SETTLE_SECONDS: Final = 8
# How long a verdict waits for others to go with: sent one by one, they cost Kafka three times the CPU.
_LINGER_MILLISECONDS: Final[Mapping[Trigger, int]] = {"realtime": 2, "interval": 20, "available-now": 20}

# A producer may stamp a record with any number; a year of five digits would be refused by both sinks for ever.
_LAST_RECEIVED: Final = "9999-12-31 23:59:59.999"


def messages(judged: DataFrame, revision: Column | None = None) -> DataFrame:
    """Verdicts of `judge.judge` as status messages: key string, value string (JSON), partition int.

    `revision`: how often each was corrected, int; a first verdict has 0.
    """
    verdict = {
        **{field: F.col(field) for field in names.FIELDS},
        "event_timestamp": F.date_format("event_timestamp", _SECONDS),
        "status": F.col("status"),
        "reasons": F.col("reasons"),
        "origin": F.struct("kafka_partition", "kafka_offset"),
        "received_at": F.date_format(_received_at(), _MILLISECONDS),
        "users_version": F.col("users_version"),
        "revision": F.lit(0) if revision is None else revision,
    }
    value = F.when(F.col("is_plain"), _put_together(verdict)).otherwise(_json(verdict))
    key = F.concat_ws("-", "kafka_partition", "kafka_offset")
    return judged.select(key.alias("key"), value.alias("value"), F.col("kafka_partition").alias("partition"))


def _json(verdict: Mapping[str, Column]) -> Column:
    # Once for all: a column that is asked for twice is worked out of plain logs too.
    named = F.struct(*(column.alias(name) for name, column in verdict.items()))
    members = F.regexp_extract(F.to_json(named, {"ignoreNullFields": "false"}), r"(?s)\A(.*)\}\z", 1)
    # Spark writes MIME, in lines of 76 characters; a contract of plain base64 has none.
    raw = F.replace(F.base64("raw"), F.lit("\r\n"), F.lit(""))
    of_bad = F.concat(
        F.lit(',"raw":'), F.coalesce(F.concat(F.lit('"'), raw, F.lit('"')), F.lit("null")),
        F.lit(',"raw_size":'), F.coalesce(F.col("raw_size").cast("string"), F.lit("null")),
    )  # fmt: skip
    return F.concat(members, F.when(F.col("status") == names.BAD, of_bad).otherwise(""), F.lit("}"))


def _put_together(verdict: Mapping[str, Column]) -> Column:
    """The same text as `_json`, of a plain log, whose texts need no escape: at a fraction of its cost."""
    listed = F.concat(F.lit('["'), F.array_join(verdict["reasons"], '","'), F.lit('"]'))
    return F.concat(
        F.lit('{"event_id":"'), verdict["event_id"],
        F.lit('","account_id":'), verdict["account_id"],
        F.lit(',"event_type":"'), verdict["event_type"],
        F.lit('","device":"'), verdict["device"],
        F.lit('","location_country":"'), verdict["location_country"],
        F.lit('","event_timestamp":"'), verdict["event_timestamp"],
        F.lit('","status":"'), verdict["status"],
        F.lit('","reasons":'), F.when(F.size(verdict["reasons"]) == 0, "[]").otherwise(listed),
        F.lit(',"origin":{"kafka_partition":'), F.col("kafka_partition"),
        F.lit(',"kafka_offset":'), F.col("kafka_offset"),
        F.lit('},"received_at":"'), verdict["received_at"],
        F.lit('","users_version":'), F.coalesce(verdict["users_version"].cast("string"), F.lit("null")),
        F.lit(',"revision":'), verdict["revision"],
        F.lit("}"),
    )  # fmt: skip


def _received_at() -> Column:
    return F.least(F.greatest("received_at", F.timestamp_seconds(F.lit(0))), F.lit(_LAST_RECEIVED).cast("timestamp"))


def start(logs: DataFrame, users: DataFrame, settings: Settings, trigger: Trigger, checkpoints: Path) -> StreamingQuery:
    """The running query. In real-time mode offsets and users are renewed once a batch, verdicts leave at once."""
    writer = (
        messages(judge.judge(logs, users))
        .writeStream.queryName(QUERY)
        .format("kafka")
        .options(**kafka_client.spark(settings))
        .option("topic", names.STATUS_TOPIC)
        .option("kafka.batch.size", str(256 * 1024))
        # Verdicts are mostly names of fields: what it costs to press them is less than what their bytes cost.
        .option("kafka.compression.type", "lz4")
        .option("kafka.linger.ms", _LINGER_MILLISECONDS[trigger])
        # Given up after two minutes, one batch could be missing before later ones; a restart begins behind the last.
        .option("kafka.delivery.timeout.ms", str(2**31 - 1))
        .option("checkpointLocation", str(checkpoints / QUERY))
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
    """Closes Spark's Kafka producers, once Kafka has all verdicts that they were given; whether that was in time.

    A query that was stopped leaves them open, with verdicts on their way, and its tasks may live on for a moment. What
    would arrive after the next query has looked where to begin would be judged twice.
    """
    pool = session.java_class(spark, _POOL).getField("MODULE$").get(None)
    closing = threading.Thread(target=pool.reset, name="settle", daemon=True)
    closing.start()
    closing.join(_SETTLE_SECONDS)
    return not closing.is_alive()
