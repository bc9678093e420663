"""One local Spark session for the folder, in a time zone far from UTC, and `judge`, which takes logs to verdicts."""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from jobs import classify, session, users
from jobs import judge as judgement

USERS = {684: "ANDROID"}
USERS_VERSION = 3
RECEIVED_AT = datetime(2026, 11, 23, 1, 2, 3, 456_000, tzinfo=UTC)

Judged = Callable[[Sequence[bytes | None]], DataFrame]
Judge = Callable[[Sequence[bytes | None]], list[dict[str, Any]]]


@pytest.fixture(scope="session")
def spark() -> Iterator[SparkSession]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", "Asia/Tokyo")
        patch.setenv("PYSPARK_PYTHON", sys.executable)
        patch.setenv("PYSPARK_SUBMIT_ARGS", "--master local[2] --driver-memory 1g pyspark-shell")
        patch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
        time.tzset()
        spark = session.build("tests")
        yield spark
        spark.stop()
    time.tzset()


@pytest.fixture(scope="session")
def judged(spark: SparkSession) -> Judged:
    """Logs, the n-th with the origin (1, n), as the frame of their verdicts."""
    accounts = [(account, f"0000000{device}", USERS_VERSION) for account, device in USERS.items()]
    known = spark.createDataFrame(accounts, users.SCHEMA)

    def run(logs: Sequence[bytes | None]) -> DataFrame:
        rows = [(1, n, RECEIVED_AT, None if log is None else bytearray(log)) for n, log in enumerate(logs)]
        frame = spark.createDataFrame(rows, "partition int, offset long, timestamp timestamp, value binary")
        return judgement.judge(frame, known)

    return run


@pytest.fixture(scope="session")
def judge(judged: Judged) -> Judge:
    """Logs to their status messages, parsed, in the same order. Fails unless each log has exactly one."""

    def run(logs: Sequence[bytes | None]) -> list[dict[str, Any]]:
        messages = [json.loads(row.value) for row in classify.messages(judged(logs)).collect()]
        messages.sort(key=lambda message: message["origin"]["kafka_offset"])
        assert [message["origin"]["kafka_offset"] for message in messages] == list(range(len(logs)))
        return messages

    return run
