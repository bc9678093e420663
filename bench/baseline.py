"""The baseline: a Spark job as in the first descriptions of this pipeline. Run by spark-submit.

In every micro-batch it reads the users over JDBC, judges with Spark's own JSON functions (bench/by_columns.py), appends
each status to its table over JDBC, and writes the status messages to Kafka. Nothing is cached, so each of these four
writes reads and judges the batch again. The rules are those of the contract; the session, its memory and the batch size
are Logsieve's.
"""

from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from bench import by_columns
from include import names
from include.clients.outside import Outside
from include.settings import Settings
from jobs import session, sources
from jobs.driver import partitions, slots
from jobs.loading import layout

_USERS = (
    "(SELECT account_no, DATEDIFF(valid_from, '1970-01-01') AS first_day,"
    " DATEDIFF(valid_to, '1970-01-01') AS end_day, user_device,"
    f" CAST((SELECT version FROM {names.USERS_DATABASE}.{names.VERSION_TABLE}) AS SIGNED) AS users_version"
    f" FROM {names.USERS_DATABASE}.{names.HISTORY_TABLE}) AS users"
)


def rows(judged: DataFrame, status: str) -> DataFrame:
    """The verdicts of one status, with the columns of its table."""
    columns = (*layout.current().columns, *(layout.RAW_COLUMNS if status == names.BAD else ()))
    return judged.filter(F.col("status") == status).withColumn("reasons", F.to_json("reasons")).select(*columns)


def main() -> None:
    """Runs until it is terminated."""
    settings = Settings()
    outside = Outside(settings)
    count = partitions.of_logs(outside, settings.topic_partitions)
    spark = session.build("baseline", slots.conf(settings, session.master(), count, "realtime"))
    # Java never compiles a longer method; it would interpret it for each log.
    spark.conf.set("spark.sql.codegen.hugeMethodLimit", "8000")
    # A log may repeat a name; the last value counts.
    spark.conf.set("spark.sql.variant.allowDuplicateKeys", "true")
    address = f"jdbc:mysql://{settings.mysql_host}:{settings.mysql_port}/{names.LOGS_DATABASE}"
    url = f"{address}?connectionTimeZone=UTC&forceConnectionTimeZoneToSession=true"
    account = {
        "driver": "com.mysql.cj.jdbc.Driver",
        "user": settings.mysql_stream_user,
        "password": settings.mysql_stream_password.get_secret_value(),
    }

    def write(batch: DataFrame, _: Any) -> None:
        judged = by_columns.judge(batch, spark.read.jdbc(url, _USERS, properties=account))
        for status, table in names.TABLES.items():
            rows(judged, status).write.jdbc(url, table, mode="append", properties=account)
        sink = by_columns.messages(judged).write.format("kafka").options(**outside.kafka_for_spark)
        sink.option("topic", names.STATUS_TOPIC).save()

    logs = sources.logs(spark, outside, "interval", dict.fromkeys(range(count), 0))
    query = logs.writeStream.foreachBatch(write).option("checkpointLocation", str(settings.checkpoints / "baseline"))
    query.start().awaitTermination()


if __name__ == "__main__":
    main()
