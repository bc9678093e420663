"""The baseline: a Spark job as the first descriptions of this pipeline have it. Run by spark-submit.

In every micro-batch it reads the users over JDBC, judges, appends each status to its table over JDBC, and writes the
status messages to Kafka; nothing is cached, so each of the four reads and judges anew. The rules and the join are
Logsieve's own, so are the session, its memory and the most logs of a batch: it differs in the way, not in the work.
"""

from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from include import kafka_client, names
from include.settings import Settings
from jobs import classify, judge, partitions, session, sources, users, verdicts


def rows(judged: DataFrame, status: str) -> DataFrame:
    """The verdicts of one status with the columns of its table."""
    columns = (*verdicts.COLUMNS, *(verdicts.RAW_COLUMNS if status == names.BAD else ()))
    more = {"reasons": F.to_json("reasons"), "revision": F.lit(0)}
    return judged.filter(F.col("status") == status).withColumns(more).select(*columns)


def main() -> None:
    """Runs until it is ended."""
    settings = Settings()
    count = partitions.of_logs(settings)
    spark = session.build("baseline", count)
    address = f"jdbc:mysql://{settings.mysql_host}:{settings.mysql_port}/{names.LOGS_DATABASE}"
    url = f"{address}?connectionTimeZone=UTC&forceConnectionTimeZoneToSession=true"
    account = {
        "driver": "com.mysql.cj.jdbc.Driver",
        "user": settings.mysql_stream_user,
        "password": settings.mysql_stream_password.get_secret_value(),
    }

    def write(batch: DataFrame, _: Any) -> None:
        judged = judge.judge(batch, users.read(spark, settings))
        for status, table in names.TABLES.items():
            rows(judged, status).write.jdbc(url, table, mode="append", properties=account)
        sink = classify.messages(judged).write.format("kafka").options(**kafka_client.spark(settings))
        sink.option("topic", names.STATUS_TOPIC).save()

    logs = sources.logs(spark, settings, "interval", dict.fromkeys(range(count), 0))
    query = logs.writeStream.foreachBatch(write).option("checkpointLocation", str(settings.checkpoints / "baseline"))
    query.start().awaitTermination()


if __name__ == "__main__":
    main()
