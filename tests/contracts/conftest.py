"""One local Spark session whose rules are compiled with tests/contracts/contract.toml, in a process of its own.

It is the second version of a contract: the first had a field `colour`, no `proxy`, and longer user names.
"""

import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from include.contract import reading
from include.contract.changing import changes, in_effect
from include.contract.model import Contract, Field
from include.settings import Settings
from include.stack.fetch import judge_jar, parts
from jobs import session
from jobs.judging import classify, users
from jobs.judging import judge as judgement
from tests.contracts.oracle import Users

CONTRACT = Path(__file__).with_name("contract.toml")
USERS: Users = {684: ("ANDROID", "GB"), -(2**63): ("IOS", "ÄÖ"), 7: ("true", "FR")}
RECEIVED_AT = datetime(2026, 11, 23, 1, 2, 3, 456_000, tzinfo=UTC)
RECEIVED = int(RECEIVED_AT.timestamp()) * 1000 + 456

Periods = dict[Any, str]
"""All periods of a key as one text: see jobs/judging/users.py."""
Judge = Callable[[Sequence[bytes | None]], list[bytes]]


def second_version() -> Contract:
    """The contract, after the first version."""
    declared = reading.load(CONTRACT)
    colour = Field("colour", ("colour",), "text", None, ("string",), True, False, 1, 20)
    others = (replace(each, most=40) if each.name == "user_name" else each for each in declared.fields)
    first = replace(declared, fields=(colour, *(each for each in others if each.name != "proxy")))
    return changes.following(first, declared)


@pytest.fixture(scope="session", autouse=True)
def contract(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        file = in_effect.write(Settings(state=tmp_path_factory.mktemp("state")), second_version())
        patch.setenv("LOGSIEVE_CONTRACT", str(file))
        reading.follow()
        assert reading.current().names[0] == "request_id"
        yield
    reading.follow()


@pytest.fixture(scope="session")
def spark(contract: None) -> Iterator[SparkSession]:
    assert SparkSession.getActiveSession() is None, "run these tests in a process of their own: one JVM, one contract"
    settings = Settings()
    jars = parts.fetch_jars(settings.parts)
    path = ":".join(map(str, [judge_jar.ensure(settings), *(jars / "spark").glob("re2j-*.jar")]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYSPARK_PYTHON", sys.executable)
        options = f"--master local[2] --driver-memory 1g --driver-class-path {path}"
        patch.setenv("PYSPARK_SUBMIT_ARGS", f"{options} pyspark-shell")
        patch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
        spark = session.build("tests")
        judgement.register(spark, settings)
        yield spark
        spark.stop()


def judged(spark: SparkSession, values: Sequence[bytes | None], periods: Periods) -> list[bytes]:
    """The status messages of logs, the n-th with the origin (1, n), in the same order."""
    frame = spark.createDataFrame([(key, text, 3) for key, text in periods.items()], users.schema())
    rows = [(1, n, RECEIVED_AT, None if value is None else bytearray(value)) for n, value in enumerate(values)]
    logs = spark.createDataFrame(rows, "partition int, offset long, timestamp timestamp, value binary")
    sent = [row.value.encode() for row in classify.messages(judgement.judge(logs, frame)).collect()]
    return sorted(sent, key=lambda message: json.loads(message)["origin"]["kafka_offset"])


@pytest.fixture(scope="session")
def judge(spark: SparkSession) -> Judge:
    """See `judged`: with USERS."""
    periods: Periods = {user: f"0000000{device}\1{country}" for user, (device, country) in USERS.items()}
    return lambda values: judged(spark, values, periods)


def good() -> dict[str, Any]:
    """A good log."""
    return {
        "request": {"id": "141b3ff2-a921", "user": {"id": 684, "name": "Ann", "country": "GB"}},
        "client": {"device": "ANDROID", "remote.address": "192.0.2.7", "proxy": None},
        "method": "GET",
        "response": {"status": 200, "bytes": 1234, "seconds": 0.25},
        "ratio": 0.5,
        "cached": False,
        "times": {"start": "2026-11-23T01:02:03.456Z", "end": 1795395723456, "order": 1619724510},
    }
