"""A rehearsal of the stream without servers, run once: the classes it loads are archived, so drivers start faster.

See include/stack/fetch/class_archive.py. Its results are discarded.
"""

import tempfile
from datetime import UTC, datetime
from pathlib import Path

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from include import names
from include.contract import reading
from include.settings import Settings
from include.source import making, population
from include.source.accounts import Accounts
from include.source.errors import NoLogError
from include.users.shape import BETWEEN
from jobs import session
from jobs.judging import classify, judge, users

_LOGS = 30
_CLASSES = (
    "com.mysql.cj.jdbc.Driver",
    "org.apache.spark.sql.kafka010.KafkaSourceProvider",
    "org.apache.spark.sql.execution.datasources.v2.jdbc.JDBCScan",
)
_NOWHERE = "127.0.0.1:1"


def stream(spark: SparkSession, folder: Path) -> None:
    """Runs one bounded micro-batch: file, rules, join, status messages."""
    (folder / "in").mkdir()
    logs_of_each_status, periods = _logs()
    (folder / "in" / "logs.txt").write_bytes(b"\n".join(logs_of_each_status))
    logs = spark.readStream.text(str(folder / "in")).select(
        F.lit(0).alias("partition"),
        F.lit(0).cast("bigint").alias("offset"),
        F.current_timestamp().alias("timestamp"),
        F.col("value").cast("binary").alias("value"),
    )
    known = spark.createDataFrame(periods, users.schema())
    query = (
        classify.messages(judge.judge(logs, known))
        .writeStream.format("noop")
        .option("checkpointLocation", str(folder / "checkpoint"))
        .trigger(availableNow=True)
        .start()
    )
    query.awaitTermination()


def _logs() -> tuple[list[bytes], list[tuple[int | str, str, int]]]:
    """Some logs of the contract, good, bad and suspicious, and the users that they are compared with."""
    contract = reading.current()
    try:
        accounts = Accounts(1, 10, population.of(contract))
        source = making.maker(contract, accounts, 1, share_bad=0.3, share_suspicious=0.3)
        logs = [log.value for log in (source.make() for _ in range(_LOGS)) if log.value]
    except NoLogError:
        return [b"{}", b"no JSON"], []
    on = accounts.on(datetime.now(UTC).date()) if contract.dimension else {}
    return logs, [(key, "0000000" + BETWEEN.join(map(str, attributes)), 1) for key, attributes in on.items()]


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
