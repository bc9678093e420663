"""A verdict of today beside the stored one: what counts as changed, and the next revision."""

from collections.abc import Callable, Sequence

import pytest
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F

from include import names
from jobs import judge, records, rejudge_logs, users
from tests.spark.test_messages import GOOD


def test_a_verdict_has_changed_when_status_or_reasons_differ(spark: SparkSession) -> None:
    judged = [
        ("good", [], "good", [], 0),
        ("good", [], "bad", ["null_device"], 0),
        ("bad", ["not_json"], "bad", ["not_json"], 2),
        ("bad", ["not_json"], "bad", ["missing_device", "not_json"], 2),
        ("good", [], None, None, None),
    ]
    columns = "status string, reasons array<string>, was string, was_reasons array<string>, was_revision int"
    found = rejudge_logs.compare(spark.createDataFrame(judged, columns)).select("was", "changed", "revision").collect()
    assert found == [
        Row(was="good", changed=False, revision=1),
        Row(was="bad", changed=True, revision=1),
        Row(was="bad", changed=False, revision=3),
        Row(was="bad", changed=True, revision=3),
        Row(was=None, changed=True, revision=1),
    ]


@pytest.mark.parametrize(
    ("periods", "status", "reasons"),
    [
        ("0000000ANDROID", "good", []),
        ("0000000IOS\0" + "0018746ANDROID", "good", []),
        ("0000000ANDROID\0" + "0018746IOS", "suspicious", ["unexpected_device"]),
        ("0000000ANDROID\0" + "0018746", "suspicious", ["unknown_account"]),
    ],
)
def test_a_log_is_judged_from_its_row_as_from_its_bytes(
    spark: SparkSession,
    judged: Callable[[Sequence[bytes | None]], DataFrame],
    periods: str,
    status: str,
    reasons: list[str],
) -> None:
    """Of an event on day 18746."""
    row = judged([GOOD]).withColumn("event_timestamp", F.unix_timestamp("event_timestamp"))
    origin = [F.col("kafka_partition").alias("partition"), F.col("kafka_offset").alias("offset")]
    stored = row.select(*names.FIELDS, *origin, F.col("received_at").alias("timestamp"), F.lit("x").alias("kept"))
    known = spark.createDataFrame([(684, periods, 9)], users.SCHEMA)
    (found,) = judge.judge_records(records.well_formed(stored), known, "kept").collect()
    (first,) = judged([GOOD]).collect()
    assert [found[field] for field in names.FIELDS] == [first[field] for field in names.FIELDS]
    assert (found.status, found.reasons, found.users_version, found.kept) == (status, reasons, 9, "x")
    assert (found.kafka_partition, found.kafka_offset, found.received_at, found.raw) == (1, 0, first.received_at, None)
