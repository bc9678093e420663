"""The SparkSession of every job."""

from typing import Final

from pyspark.sql import SparkSession

CONF: Final = {
    "spark.sql.session.timeZone": "UTC",
    # A log may repeat a name, and the last one counts; without this the second look of jobs/records.py refuses it.
    "spark.sql.variant.allowDuplicateKeys": "true",
    # Nothing here shuffles; 200 empty tasks would be all that the default brings.
    "spark.sql.shuffle.partitions": "2",
    # A batch handed to `load` is bounded by bytes too: 10,000 bad logs may weigh 900 MB.
    "spark.sql.execution.arrow.maxRecordsPerBatch": "20000",
    "spark.sql.execution.arrow.maxBytesPerBatch": str(32 * 1024 * 1024),
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.log.level": "WARN",
}


def build(name: str) -> SparkSession:
    """The session, with what a conf on the command line of spark-submit cannot better. `name` shows in its logs."""
    builder = SparkSession.builder.appName(name)
    for key, value in CONF.items():
        builder = builder.config(key, value)
    return builder.getOrCreate()
