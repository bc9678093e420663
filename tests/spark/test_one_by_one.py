"""Logs that Spark's source cannot read are judged with the same rules, each once and in order."""

import json
from typing import Any

import pytest
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from include import names
from include.source import shipped
from jobs.judging import one_by_one
from jobs.judging.ahead import Log
from jobs.rejudging import topic_logs
from tests.spark.conftest import USERS_VERSION
from tests.spark.test_messages import GOOD


def judged(spark: SparkSession, known: DataFrame, logs: list[Log]) -> list[dict[str, Any] | None]:
    found = one_by_one.verdicts(spark, (known, USERS_VERSION), 1, logs)
    assert [log for log, _ in found] == logs
    return [verdict and json.loads(verdict) for _, verdict in found]


def test_a_log_is_judged_by_its_bytes_whatever_its_timestamp(spark: SparkSession, known: DataFrame) -> None:
    times = [-6795364578871345152, -(2**63), 2**63 - 1, 1_000]
    logs = [Log(7 + number, time, GOOD, len(GOOD)) for number, time in enumerate(times)]
    logs += [Log(20, 0, None, None), Log(21, 0, b"", 0), Log(30, 5, b"x", 10**9, is_readable=False)]
    *found, large = judged(spark, known, logs)
    assert large is None
    assert [each and each["status"] for each in found] == ["good"] * 4 + ["bad"] * 2
    assert [each and each["received_at"] for each in found[:4]] == [
        *["1970-01-01T00:00:00.000Z"] * 2,
        "9999-12-31T23:59:59.999Z",
        "1970-01-01T00:00:01.000Z",
    ]
    assert [each and (each["origin"]["kafka_offset"], each["users_version"]) for each in found] == [
        (log.offset, USERS_VERSION) for log in logs[:-1]
    ]


def test_a_log_that_cannot_be_judged_is_found_among_others(
    spark: SparkSession, known: DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    spark.udf.register("refuse", lambda value: 1 // (value != b"poison"), "int")
    judge = one_by_one.judge.judge

    def refusing(logs: DataFrame, *more: Any) -> DataFrame:
        return judge(logs.filter(F.expr("refuse(value) = 1")), *more)

    monkeypatch.setattr(one_by_one.judge, "judge", refusing)
    found = judged(spark, known, [Log(n, 0, b"poison" if n == 2 else GOOD, 6) for n in range(5)])
    assert [each and each["status"] for each in found] == ["good", "good", None, "good", "good"]
    with pytest.raises(PySparkException):
        one_by_one.verdicts(spark, (known.filter("raise_error('users are away') IS NULL"), 1), 1, [Log(0, 0, GOOD, 1)])


def test_an_unreadable_log_has_a_verdict_like_any_bad_log(spark: SparkSession) -> None:
    text = one_by_one.unreadable(1, Log(5, -1, b"ab", 10**9, is_readable=False), 3)
    message = json.loads(text)
    assert message | dict.fromkeys(shipped.FIELDS) == message
    assert (message["status"], message["reasons"], message["raw"], message["raw_size"]) == (
        names.BAD,
        ["unreadable"],
        "YWI=",
        10**9,
    )
    assert message["received_at"] == "1970-01-01T00:00:00.000Z"
    frame = spark.createDataFrame([(text.decode(), "other"), (None, "its own")], "unreadable string, verdict string")
    first, second = (row[0] for row in frame.select(topic_logs.verdict(F.lit(4))).collect())
    assert (json.loads(first)["revision"], second) == (4, "its own")
