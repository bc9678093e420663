"""A rehearsal of the stream without servers, run once: the classes it loads are archived, so drivers start faster.

See include/stack/fetch/class_archive.py. Its results are discarded.
"""

import tempfile
from pathlib import Path

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from include import names
from include.settings import Settings
from jobs import session
from jobs.judging import classify, judge, users

_LOG = (
    '{"event_id": "1", "account_id": "684", "event_type": "other", "device": "ANDROID", "location_country": "FR",'
    ' "event_timestamp": "1619724510"}'
)
_CLASSES = (
    "com.mysql.cj.jdbc.Driver",
    "org.apache.spark.sql.kafka010.KafkaSourceProvider",
    "org.apache.spark.sql.execution.datasources.v2.jdbc.JDBCScan",
)
_NOWHERE = "127.0.0.1:1"


def stream(spark: SparkSession, folder: Path) -> None:
    """Runs one bounded micro-batch: file, rules, join, status messages."""
    (folder / "in").mkdir()
    (folder / "in" / "logs.txt").write_text("\n".join([_LOG, _LOG.replace("FR", ""), "no JSON"]))
    logs = spark.readStream.text(str(folder / "in")).select(
        F.lit(0).alias("partition"),
        F.lit(0).cast("bigint").alias("offset"),
        F.current_timestamp().alias("timestamp"),
        F.col("value").cast("binary").alias("value"),
    )
    known = spark.createDataFrame([(_key(), "0000000ANDROID", 1)], users.schema())
    query = (
        classify.messages(judge.judge(logs, known))
        .writeStream.format("noop")
        .option("checkpointLocation", str(folder / "checkpoint"))
        .trigger(availableNow=True)
        .start()
    )
    query.awaitTermination()


def _key() -> int | str:
    return "684" if "user_key string" in users.schema() else 684


def clients(spark: SparkSession) -> None:
    """Loads the Kafka and MySQL clients; they connect to nothing."""
    jvm = session.jvm(spark)
    for name in _CLASSES:
        session.java_class(spark, name)
    conf = jvm.java.util.HashMap()
    for key, value in {"bootstrap.servers": _NOWHERE, "group.id": names.DRIVER, "max.block.ms": "1"}.items():
        conf.put(key, value)
    for side in ("Serializer", "Deserializer"):
        for part in ("key", "value"):
            conf.put(f"{part}.{side.lower()}", f"org.apache.kafka.common.serialization.ByteArray{side}")
    clients = jvm.org.apache.kafka.clients
    for client in (
        clients.producer.KafkaProducer(conf),
        clients.consumer.KafkaConsumer(conf),
        clients.admin.AdminClient.create(conf),
    ):
        client.close()


def main() -> None:
    """Runs the rehearsal."""
    spark = session.build("rehearsal")
    judge.register(spark, Settings())
    with tempfile.TemporaryDirectory(prefix="logsieve-rehearsal-") as folder:
        stream(spark, Path(folder))
    clients(spark)
    spark.stop()


if __name__ == "__main__":
    main()
