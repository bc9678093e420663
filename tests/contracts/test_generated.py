"""Every kind of log that the generator makes of another contract is judged with the reasons that it says."""

import json
from datetime import date, timedelta
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from include.contract import reading
from include.source import making, population
from include.source.accounts import Accounts
from include.source.any_log import AnyLogMaker
from jobs import rehearse
from tests.contracts.conftest import RECEIVED, RECEIVED_AT, Periods, judged

LATE_DAYS = 30
EPOCH = date(1970, 1, 1)


def periods(accounts: Accounts, first: date, last: date) -> Periods:
    """The history of all days from the first to the last, as the stream reads it."""
    found: dict[object, list[str]] = {}
    before: dict[object, tuple[object, ...]] = {}
    for number in range((last - first).days + 1):
        day = first + timedelta(number)
        now, since = accounts.on(day), f"{(day - EPOCH).days:07}"
        for key in before.keys() | now.keys():
            if before.get(key) != now.get(key):
                found.setdefault(key, []).append(since + "\1".join(map(str, now.get(key, ()))))
        before = dict(now)
    return {key: "\0".join(entries) for key, entries in found.items()}


@pytest.mark.parametrize("late_days", [0, LATE_DAYS])
def test_each_kind_gets_its_reasons(spark: SparkSession, late_days: int) -> None:
    contract = reading.current()
    accounts = Accounts(7, 200, population.of(contract))
    source = making.maker(
        contract, accounts, 1, share_bad=0.6, share_suspicious=0.2, late_days=late_days,
        clock=lambda: RECEIVED / 1000,
    )  # fmt: skip
    assert isinstance(source, AnyLogMaker)
    made = [source.make() for _ in range(6000)]
    last = RECEIVED_AT.date()

    found = judged(spark, [log.value for log in made], periods(accounts, last - timedelta(LATE_DAYS), last))

    wrong = [
        (log, verdict["status"], verdict["reasons"])
        for log, verdict in zip(made, map(json.loads, found), strict=True)
        if (log.status, list(source.reasons[log.kind])) != (verdict["status"], verdict["reasons"])
    ]
    assert not wrong, wrong[:3]
    assert {log.kind for log in made} == set(source.reasons)


def test_the_rehearsal_is_of_logs_of_the_contract(spark: SparkSession, tmp_path: Path) -> None:
    rehearse.stream(spark, tmp_path)
    assert b'"request"' in (tmp_path / "in" / "logs.txt").read_bytes()
