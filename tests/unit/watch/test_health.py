"""Verdicts: well or not, and a sentence that helps whoever reads it."""

from datetime import UTC, datetime, timedelta

import pytest

from include.driver import lease
from include.watch import health
from include.watch.health import Run
from jobs.driver import holding
from jobs.driver.holding import HEARTBEAT

NOW = datetime(2026, 3, 9, 12, tzinfo=UTC)


@pytest.mark.parametrize(("behind", "ok"), [(0, True), (500, True), (501, False)])
def test_lag(behind: int, ok: bool):
    verdict = health.lag("classify", behind, 500)
    assert verdict.ok is ok
    assert verdict.sentence.startswith(f"classify is {behind} behind")


@pytest.mark.parametrize(("bad", "total", "ok"), [(0, 0, True), (10, 100, True), (11, 100, False), (1, 1, False)])
def test_share_of_bad(bad: int, total: int, ok: bool):
    assert health.share_of_bad(bad, total, 0.1, 10).ok is ok


def test_share_of_bad_says_the_numbers_and_where_to_look():
    sentence = health.share_of_bad(1100, 10_000, 0.1, 15).sentence
    assert sentence.startswith("11.0% of 10,000 logs of the last 15 minutes are bad, more than 10.0%: check")


def test_a_run_of_bad_logs_is_named_by_its_origins():
    verdict = health.bad_in_a_row(Run(3, 5000, 5999), 1000)
    assert not verdict.ok
    assert verdict.sentence.startswith(
        "1,000 bad logs or more came in a row in partition 3, offsets 5000 to 5999: check"
    )
    assert health.bad_in_a_row(None, 1000).ok


@pytest.mark.parametrize(
    ("age", "free"), [(0, False), (10, False), (-10, False), (10.001, True), (86_400, True), (-3600, True)]
)
def test_a_lease_is_free_when_its_heartbeat_is_further_than_ten_seconds_from_now(age: float, free: bool):
    assert lease.is_free(NOW - timedelta(seconds=age), NOW) is free


def test_a_lease_that_nobody_took_is_free():
    assert lease.is_free(None, NOW)


def test_a_lost_heartbeat_or_two_do_not_free_a_lease():
    assert lease.LASTS > 3 * HEARTBEAT


@pytest.mark.parametrize(("age", "seconds"), [(0, 10), (3, 7), (7, 4), (3600, 4), (-5, 10), (-3600, 10)])
def test_a_heartbeat_is_looked_at_until_a_living_holder_would_have_written_another(age: float, seconds: float):
    assert holding._patience(NOW - timedelta(seconds=age), NOW) == seconds
