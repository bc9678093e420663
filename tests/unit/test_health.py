"""Verdicts: well or not, and a sentence that helps whoever reads it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from include import health
from include.health import Hops, Run
from jobs.lease import HEARTBEAT

EVEN = Hops("partition 0", logs=1000, rows=1000, messages=1000, keys=1000, documents=1000)
NOW = datetime(2026, 3, 9, 12, tzinfo=UTC)


@pytest.mark.parametrize(("behind", "ok"), [(0, True), (500, True), (501, False)])
def test_lag(behind: int, ok: bool):
    verdict = health.lag("classify", behind, 500)
    assert verdict.ok is ok
    assert verdict.sentence.startswith(f"classify is {behind} behind")


@pytest.mark.parametrize(("age", "ok"), [(0.0, True), (60.0, True), (61.0, False), (None, False)])
def test_freshness(age: float | None, ok: bool):
    verdict = health.freshness("good_logs", age, 60)
    assert verdict.ok is ok
    assert "good_logs" in verdict.sentence


@pytest.mark.parametrize(("bad", "total", "ok"), [(0, 0, True), (10, 100, True), (11, 100, False), (1, 1, False)])
def test_share_of_bad(bad: int, total: int, ok: bool):
    assert health.share_of_bad(bad, total, 0.1, 10).ok is ok


def test_share_of_bad_says_the_numbers_and_where_to_look():
    sentence = health.share_of_bad(1100, 10_000, 0.1, 15).sentence
    assert sentence.startswith("11.0% of 10,000 logs of the last 15 minutes are bad, more than 10.0%: see")


def test_a_run_of_bad_logs_is_named_by_its_origins():
    verdict = health.bad_in_a_row(Run(3, 5000, 5999), 1000)
    assert not verdict.ok
    assert verdict.sentence.startswith("1,000 bad logs or more came in a row in partition 3, offsets 5000 to 5999: see")
    assert health.bad_in_a_row(None, 1000).ok


def test_logs_are_conserved_when_every_hop_has_as_many():
    assert health.conservation(EVEN).ok


def test_repeated_status_messages_are_well():
    assert health.conservation(replace(EVEN, messages=1200)).ok


def test_a_dead_letter_counts_as_a_document():
    assert health.conservation(replace(EVEN, documents=998, refused=2)).ok
    assert not health.conservation(replace(EVEN, documents=998, refused=1)).ok


@pytest.mark.parametrize(
    ("hops", "named"),
    [
        (replace(EVEN, rows=999), "999 rows (-1): see load"),
        (replace(EVEN, rows=1001), "1,001 rows (+1): see load"),
        (replace(EVEN, keys=990), "990 status keys (-10): see classify"),
        (replace(EVEN, documents=1), "1 documents and dead letters (-999): see the indexer"),
        (replace(EVEN, messages=900), "900 status messages for 1,000 keys"),
    ],
)
def test_the_hop_that_lost_or_doubled_logs_is_named(hops: Hops, named: str):
    verdict = health.conservation(hops)
    assert not verdict.ok
    assert verdict.sentence.startswith("partition 0: 1,000 logs, but")
    assert named in verdict.sentence


@pytest.mark.parametrize(("age", "free"), [(0, False), (10, False), (10.001, True), (86_400, True)])
def test_a_lease_is_free_when_its_heartbeat_is_older_than_ten_seconds(age: float, free: bool):
    assert health.lease_is_free(NOW - timedelta(seconds=age), NOW) is free


def test_a_lease_that_nobody_took_is_free():
    assert health.lease_is_free(None, NOW)


def test_a_lost_heartbeat_or_two_do_not_free_a_lease():
    assert health.LEASE_LASTS > 3 * HEARTBEAT
