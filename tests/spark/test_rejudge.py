"""Comparison of a current verdict with the stored one: what counts as changed, and the next revision."""

import json

import pytest
from pyspark.sql import Row, SparkSession
from pyspark.sql import functions as F

from jobs import rejudge_logs
from jobs.judging import judge, users
from jobs.rejudging import chosen
from tests.spark.conftest import Judged, Logs
from tests.spark.test_messages import GOOD

ROW = (
    "event_id: string", "account_id: int", "event_type: string", "device: string", "location_country: string",
    "event_timestamp: timestamp",
)  # fmt: skip


def test_a_verdict_has_changed_when_status_or_reasons_differ(spark: SparkSession) -> None:
    judged = [
        ("good", [], "good", []),
        ("good", [], "bad", ["null_device"]),
        ("bad", ["not_json"], "bad", ["not_json"]),
        ("bad", ["not_json"], "bad", ["missing_device", "not_json"]),
        ("good", [], None, None),
    ]
    rows = [(json.dumps({"status": status, "reasons": reasons}), *was, None) for status, reasons, *was in judged]
    columns = "verdict string, was string, was_reasons array<string>, value binary"
    found = rejudge_logs.compare(spark.createDataFrame(rows, columns)).select("was", "status", "changed").collect()
    assert found == [
        Row(was="good", status="good", changed=False),
        Row(was="bad", status="good", changed=True),
        Row(was="bad", status="bad", changed=False),
        Row(was="bad", status="bad", changed=True),
        Row(was=None, status="good", changed=True),
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
def test_a_log_gets_the_same_verdict_from_its_row_as_from_its_bytes(
    spark: SparkSession, logs: Logs, judged: Judged, periods: str, status: str, reasons: list[str]
) -> None:
    """The event is on day 18746."""
    known = spark.createDataFrame([(684, periods, 9)], users.schema())
    row = judged([GOOD]).withColumn("row", F.from_json("verdict", "struct<{}>".format(", ".join(ROW))))
    happened = F.unix_timestamp("event_timestamp")
    fields = row.select("partition", "offset", "timestamp", "row.*").withColumn("event_timestamp", happened)
    again = fields.select("partition", "offset", "timestamp", chosen.value_of_row())
    (found,) = judge.judge(again, known, F.lit(7)).collect()
    (first,) = judge.judge(logs([GOOD]), known).collect()
    expected = json.loads(first.verdict) | {"revision": 7}
    assert json.loads(found.verdict) == expected
    assert (expected["status"], expected["reasons"]) == (status, reasons)
