"""A verdict of today beside the stored one: what counts as changed."""

from collections.abc import Callable, Sequence

from pyspark.sql import DataFrame, SparkSession

from jobs import rejudge_logs
from tests.spark.test_messages import GOOD


def test_a_verdict_has_changed_when_status_or_reasons_differ(
    spark: SparkSession, judged: Callable[[Sequence[bytes | None]], DataFrame]
) -> None:
    stored = [
        (1, 0, "good", "[]"),
        (1, 1, "bad", '["null_device"]'),
        (1, 2, "bad", '["not_json"]'),
        (1, 3, "bad", '["missing_device", "not_json"]'),
        (2, 4, "good", "[]"),
    ]
    before = spark.createDataFrame(stored, "kafka_partition int, kafka_offset bigint, status string, reasons string")
    found = rejudge_logs.compare(judged([GOOD, GOOD, b"", b"", GOOD]), before).orderBy("kafka_offset").collect()
    assert [(row.was, row.status, row.changed) for row in found] == [
        ("good", "good", False),
        ("bad", "good", True),
        ("bad", "bad", False),
        ("bad", "bad", True),
        (None, "good", True),
    ]
