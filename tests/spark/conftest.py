"""One local Spark session for these tests, in a time zone far from UTC, and `judge`, which turns logs into verdicts."""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from include.settings import Settings
from include.stack.fetch import judge_jar, parts
from jobs import session
from jobs.judging import classify, users
from jobs.judging import judge as judgement

USERS = {684: "ANDROID"}
USERS_VERSION = 3
RECEIVED_AT = datetime(2026, 11, 23, 1, 2, 3, 456_000, tzinfo=UTC)

Logs = Callable[..., DataFrame]
Judged = Callable[..., DataFrame]
Judge = Callable[[Sequence[bytes | None]], list[dict[str, Any]]]


@pytest.fixture(scope="session")
def spark() -> Iterator[SparkSession]:
    settings = Settings()
    parts.fetch_jars(settings.parts)
    rules = judge_jar.ensure(settings)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", "Asia/Tokyo")
        patch.setenv("PYSPARK_PYTHON", sys.executable)
        options = f"--master local[2] --driver-memory 1g --driver-class-path {rules}"
        patch.setenv("PYSPARK_SUBMIT_ARGS", f"{options} pyspark-shell")
        patch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
        time.tzset()
        spark = session.build("tests")
        judgement.register(spark, settings)
        yield spark
        spark.stop()
    time.tzset()


@pytest.fixture(scope="session")
def logs(spark: SparkSession) -> Logs:
    """Creates logs with the columns of the Kafka source, the n-th with the origin (1, n)."""

    def run(values: Sequence[bytes | None], received_at: datetime = RECEIVED_AT) -> DataFrame:
        rows = [(1, n, received_at, None if value is None else bytearray(value)) for n, value in enumerate(values)]
        return spark.createDataFrame(rows, "partition int, offset long, timestamp timestamp, value binary")

    return run


@pytest.fixture(scope="session")
def known(spark: SparkSession) -> DataFrame:
    """USERS in a frame like that of `users.read`."""
    accounts = [(account, f"0000000{device}", USERS_VERSION) for account, device in USERS.items()]
    return spark.createDataFrame(accounts, users.schema())


@pytest.fixture(scope="session")
def judged(logs: Logs, known: DataFrame) -> Judged:
    """Judges values of logs, and their time of receipt; returns the frame of their verdicts."""
    return lambda *of: judgement.judge(logs(*of), known)


@pytest.fixture(scope="session")
def judge(judged: Judged) -> Judge:
    """Returns the parsed status messages of logs, in the same order. Fails unless each log has exactly one."""

    def run(logs: Sequence[bytes | None]) -> list[dict[str, Any]]:
        messages = [json.loads(row.value) for row in classify.messages(judged(logs)).collect()]
        messages.sort(key=lambda message: message["origin"]["kafka_offset"])
        assert [message["origin"]["kafka_offset"] for message in messages] == list(range(len(logs)))
        return messages

    return run
