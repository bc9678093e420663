"""The device of an account on a day, out of the text that holds its periods."""

from datetime import date

import pytest
from pyspark.sql import Row, SparkSession
from pyspark.sql import functions as F

from jobs import users


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
        (None, "2026-01-01", None),
        (entry("1970-01-01", "IOS"), "1970-01-01", "IOS"),
        (entry("1970-01-01", "IOS"), "9999-12-31", "IOS"),
        (entry("1970-01-01", "x" * 64), "2026-01-01", "x" * 64),
        (CHANGED, None, None),
        (CHANGED, "2026-01-31", "IOS"),
        (CHANGED, "2026-02-01", "ANDROID"),
        (CHANGED, "9999-12-31", "ANDROID"),
        (CLOSED_AND_BACK, "2026-01-31", "IOS"),
        (CLOSED_AND_BACK, "2026-02-01", None),
        (CLOSED_AND_BACK, "2026-02-28", None),
        (CLOSED_AND_BACK, "2026-03-01", "a b"),
    ],
)
def test_the_device_of_the_day(spark: SparkSession, periods: str | None, on: str | None, device: str | None) -> None:
    known = users.by_account(spark.createDataFrame([(1, periods, 1)], users.SCHEMA))
    on_day = known.select(users.device_on(F.lit(on and day(on)).cast("bigint")).alias("device"))
    assert on_day.collect() == [Row(device=device)]
