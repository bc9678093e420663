"""The rules of the bench's baseline give every worked case the same verdict as Logsieve."""

import json
from datetime import date
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from bench import by_columns
from tests.spark.conftest import USERS, USERS_VERSION, Judge, Logs
from tests.spark.test_cases import CASES, log_of

USERS_SCHEMA = "account_no int, first_day int, end_day int, user_device string, users_version int"


def judged(spark: SparkSession, logs: DataFrame, users: list[tuple[Any, ...]]) -> list[dict[str, Any]]:
    spark.conf.set("spark.sql.variant.allowDuplicateKeys", "true")
    known = spark.createDataFrame([(*user, USERS_VERSION) for user in users], USERS_SCHEMA)
    messages = [json.loads(row.value) for row in by_columns.messages(by_columns.judge(logs, known)).collect()]
    return sorted(messages, key=lambda message: message["origin"]["kafka_offset"])


def test_every_worked_case(spark: SparkSession, logs: Logs, judge: Judge) -> None:
    values = [log_of(case) for case in CASES.values()]
    users = [(account, 0, None, device) for account, device in USERS.items()]
    both = zip(CASES, judged(spark, logs(values), users), judge(values), strict=True)
    assert {name: (found, ours) for name, found, ours in both if found != ours} == {}


@pytest.mark.parametrize(
    ("users", "reasons"),
    [
        ([(684, 0, 18746, "IOS"), (684, 18746, None, "ANDROID")], []),
        ([(684, 0, 18746, "ANDROID"), (684, 18746, None, "IOS")], ["unexpected_device"]),
        ([(684, 0, 18746, "ANDROID")], ["unknown_account"]),
    ],
)
def test_the_device_of_the_day(
    spark: SparkSession, logs: Logs, users: list[tuple[Any, ...]], reasons: list[str]
) -> None:
    first = next(case for case in CASES.values() if case["status"] == "good")
    day = (date(2021, 4, 29) - date(1970, 1, 1)).days
    log = json.loads(first["log"]) | {"account_id": "684", "device": "ANDROID", "event_timestamp": str(day * 86_400)}
    moved = [(account, begin and day, end and day, device) for account, begin, end, device in users]
    (message,) = judged(spark, logs([json.dumps(log).encode()]), moved)
    assert message["reasons"] == reasons
