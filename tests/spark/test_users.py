"""The device of an account on a day, from the text of its periods."""

import json
from datetime import date

import pytest
from pyspark.sql import SparkSession

from include.source import shipped
from jobs.judging import judge, users
from tests.spark.conftest import Logs
from tests.spark.test_messages import GOOD


def day(text: str) -> int:
    return (date.fromisoformat(text) - date(1970, 1, 1)).days


def entry(text: str, device: str) -> str:
    return f"{day(text):07}{device}"


CHANGED = "\0".join([entry("1970-01-01", "IOS"), entry("2026-02-01", "ANDROID")])
CLOSED_AND_BACK = "\0".join(
    [entry("1970-01-01", "IOS"), entry("2026-02-01", ""), entry("2026-03-01", ""), entry("2026-03-01", "a b")]
)


@pytest.mark.parametrize(
    ("periods", "on", "device"),
    [
        (entry("1970-01-01", "IOS"), "1970-01-01", "IOS"),
        (entry("1970-01-01", "IOS"), "9999-12-31", "IOS"),
        (entry("1970-01-01", "x" * 64), "2026-01-01", "x" * 64),
        (entry("1970-01-01", "é\U0001f600"), "2026-01-01", "é\U0001f600"),
        (entry("2026-02-01", "IOS"), "2026-01-31", None),
        (CHANGED, "2026-01-31", "IOS"),
        (CHANGED, "2026-02-01", "ANDROID"),
        (CHANGED, "9999-12-31", "ANDROID"),
        (CLOSED_AND_BACK, "2026-01-31", "IOS"),
        (CLOSED_AND_BACK, "2026-02-01", None),
        (CLOSED_AND_BACK, "2026-02-28", None),
        (CLOSED_AND_BACK, "2026-03-01", "a b"),
    ],
)
def test_the_device_of_the_day_is_expected(
    spark: SparkSession, logs: Logs, periods: str, on: str, device: str | None
) -> None:
    """At the last second of that day; no other device passes, not even a prefix or an extension of it."""
    known = spark.createDataFrame([(684, periods, 1)], users.schema())
    seconds = (day(on) + 1) * 86_400 - 1
    of = json.loads(GOOD) | {"event_timestamp": str(seconds)}
    near = [device, (device + "y")[-shipped.MAX_TEXT :], device[:-1]] if device else []
    devices = list(dict.fromkeys(["IOS", "ANDROID", "a b", *near]))
    values = [json.dumps(of | {"device": name}).encode() for name in devices]
    found = [json.loads(row.verdict) for row in judge.judge(logs(values), known).orderBy("offset").collect()]
    unexpected = "unexpected_device" if device else "unknown_account"
    assert [message["reasons"] for message in found] == [[] if name == device else [unexpected] for name in devices]
