"""The generator's pace, its accounts export and its arguments; with a real Kafka it is tested in tests/integration."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from include.settings import Settings
from include.source.generator import LONGEST_WAIT, AccountsExporter, Pace, run


class Clock:
    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def sent_in(pace: Pace, clock: Clock, seconds: float, step: float = 0.01) -> int:
    sent = 0
    for _ in range(round(seconds / step)):
        clock.now += step
        due = pace.due()
        pace.sent(due)
        sent += due
    return sent


@pytest.mark.parametrize("rate", [0.5, 7, 100, 12_345])
def test_the_pace_keeps_the_rate(rate: float):
    clock = Clock()

    assert sent_in(Pace(rate, clock), clock, 60) == pytest.approx(60 * rate, abs=1)


def test_after_a_stall_it_catches_up_one_second_and_no_more():
    clock = Clock()
    pace = Pace(100, clock)
    sent_in(pace, clock, 5)

    clock.now += 3600

    assert pace.due() == 100
    pace.sent(100)
    assert sent_in(pace, clock, 10) == pytest.approx(1000, abs=1)


def test_a_short_stall_is_made_good():
    clock = Clock()
    pace = Pace(100, clock)

    clock.now += 0.5

    assert pace.due() == 50


def test_it_sleeps_until_the_next_log_but_never_so_long_that_a_stop_is_slow():
    clock = Clock()
    assert Pace(50, clock).wait() == pytest.approx(0.02)
    assert Pace(0.01, clock).wait() == LONGEST_WAIT


def test_each_utc_day_gets_its_accounts_export(tmp_path: Path):
    settings = Settings(accounts_path=str(tmp_path), accounts=10)
    clock = Clock(datetime(2026, 3, 9, 23, 59, 59, tzinfo=UTC).timestamp())

    exporter = AccountsExporter(settings, clock)
    exporter.ensure_todays_export()
    assert [day.name for day in tmp_path.iterdir()] == ["ds=2026-03-09"]

    clock.now += 1
    exporter.ensure_todays_export()
    assert sorted(day.name for day in tmp_path.iterdir()) == ["ds=2026-03-09", "ds=2026-03-10"]


def test_exports_at_a_url_are_left_to_whoever_writes_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)

    AccountsExporter(Settings(accounts_path="s3://bucket/accounts", accounts=10))

    assert list(tmp_path.iterdir()) == []


def test_impossible_shares_are_refused_before_anything_is_sent(tmp_path: Path):
    settings = Settings(accounts_path=str(tmp_path), accounts=10, kafka_bootstrap="127.0.0.1:1")

    with pytest.raises(ValueError, match="share_bad"):
        run(settings, count=1, share_bad=0.9, share_suspicious=0.9)
