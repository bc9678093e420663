"""Made logs are what they say they are, judged here anew by the contract, with the json of the standard library."""

import hashlib
import json
import re
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any

import pytest

from include.contract import reasons
from include.source.accounts import Accounts
from include.source.draws import Log
from include.source.log_maker import BAD_KINDS, REASONS, LogMaker
from include.source.shipped import FIELDS, TEXT_FIELDS
from tests.unit.users.shapes import devices_of

ACCOUNTS = Accounts(7, 1000)
NOW = 1_619_724_510
TODAY = date(2021, 4, 29)


@cache
def devices_on(day: date) -> dict[int, str]:
    return devices_of(ACCOUNTS, day)


def day_of(fields: dict[str, Any]) -> date:
    return datetime.fromtimestamp(int(fields["event_timestamp"]), UTC).date()


def maker(seed: int = 1, share_bad: float = 0.05, share_suspicious: float = 0.05, **how: Any) -> LogMaker:
    how = {"clock": lambda: NOW} | how
    return LogMaker(ACCOUNTS, seed, share_bad=share_bad, share_suspicious=share_suspicious, **how)


def logs(count: int, **how: Any) -> list[Log]:
    source = maker(**how)
    return [source.make() for _ in range(count)]


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def number_reasons(field: str, value: Any, lowest: int, highest: int) -> list[str]:
    as_text = str(value) if type(value) in (str, int) else ""
    is_number = re.fullmatch(r"-?\d+", as_text) and lowest <= int(as_text) <= highest
    return [] if is_number else [f"invalid_{field}"]


def text_reasons(field: str, value: Any) -> list[str]:
    if not isinstance(value, str):
        return [f"invalid_{field}"]
    return [f"empty_{field}"] if not value else [f"too_long_{field}"] if len(value) > 64 else []


def reasons_by_the_contract(value: bytes | None) -> list[str]:
    try:
        fields = json.loads((value or b"").decode("utf-8"), parse_constant=_refuse)
    except ValueError:
        return ["not_json"]
    if not isinstance(fields, dict):
        return ["not_json"]
    reasons = []
    for field in ("event_id", "account_id", "event_type", "device", "location_country", "event_timestamp"):
        if field not in fields:
            reasons.append(f"missing_{field}")
        elif fields[field] is None:
            reasons.append(f"null_{field}")
        elif field == "account_id":
            reasons += number_reasons(field, fields[field], -(2**31), 2**31 - 1)
        elif field == "event_timestamp":
            reasons += number_reasons(field, fields[field], 0, 253_402_300_799)
        else:
            reasons += text_reasons(field, fields[field])
    if not reasons:
        account, devices = int(fields["account_id"]), devices_on(day_of(fields))
        if account not in devices:
            return ["unknown_account"]
        if devices[account] != fields["device"]:
            return ["unexpected_device"]
    return reasons


@pytest.mark.parametrize("late_days", [0, 365])
def test_every_log_has_the_reasons_of_its_kind(late_days: int):
    made = logs(30_000, share_bad=0.6, share_suspicious=0.3, late_days=late_days)

    for log in made:
        assert reasons_by_the_contract(log.value) == list(REASONS[log.kind]), log
    assert {log.kind for log in made} == set(REASONS), "every kind is made"


def test_the_kinds_cover_every_reason_of_the_contract():
    covered = {reason for kind in BAD_KINDS.values() for reason in kind.reasons}

    of_any_field = {rule(field) for field in FIELDS for rule in (reasons.missing, reasons.null, reasons.invalid)}
    of_text = {rule(field) for field in TEXT_FIELDS for rule in (reasons.empty, reasons.too_long)}
    assert covered == of_any_field | of_text | {reasons.NOT_JSON}


def test_shares_are_as_chosen():
    counts = Counter(log.status for log in logs(50_000, share_bad=0.2, share_suspicious=0.1))

    assert counts["bad"] == pytest.approx(10_000, rel=0.05)
    assert counts["suspicious"] == pytest.approx(5_000, rel=0.05)


@pytest.mark.parametrize(
    ("share_bad", "share_suspicious", "status"), [(0, 0, "good"), (1, 0, "bad"), (0, 1, "suspicious")]
)
def test_a_share_may_be_nothing_or_all(share_bad: float, share_suspicious: float, status: str):
    assert {log.status for log in logs(500, share_bad=share_bad, share_suspicious=share_suspicious)} == {status}


@pytest.mark.parametrize(("share_bad", "share_suspicious"), [(0.9, 0.1), (0.8, 0.2), (0.7, 0.3), (0.95, 0.05)])
def test_two_shares_may_be_all_together(share_bad: float, share_suspicious: float):
    statuses = {log.status for log in logs(500, share_bad=share_bad, share_suspicious=share_suspicious)}
    assert statuses == {"bad", "suspicious"}


def test_shares_above_the_whole_are_refused():
    with pytest.raises(ValueError, match=r"share_bad 0\.6 and share_suspicious 0\.5"):
        maker(share_bad=0.6, share_suspicious=0.5)


def test_a_seed_gives_the_same_bytes_in_every_version():
    """Logs that were sent in other years have to be made again alike."""
    for late_days, expected in ((0, "2eb0ba710495953a"), (30, "3ce6bf3f5f2f913c")):
        made = hashlib.sha256()
        for log in logs(20_000, seed=3, share_bad=0.4, share_suspicious=0.3, late_days=late_days):
            made.update(b"|".join([log.key, log.value or b"-", log.status.encode(), log.kind.encode()]) + b"\n")
        assert made.hexdigest()[:16] == expected


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others():
    assert logs(2000, seed=3) == logs(2000, seed=3)
    assert not {log.value for log in logs(500, seed=3, share_bad=0)} & {
        log.value for log in logs(500, seed=4, share_bad=0)
    }


def test_a_good_log_is_as_the_contract_shows_it():
    for log in logs(200, share_bad=0, share_suspicious=0):
        fields = json.loads(log.value or b"")
        assert list(fields) == list(FIELDS)
        assert all(isinstance(value, str) for value in fields.values())
        assert re.fullmatch("[0-9a-f]{32}", fields["event_id"])
        assert fields["event_timestamp"] == str(NOW)
        assert log.key == fields["account_id"].encode()


def test_every_log_has_a_number_as_key():
    assert all(re.fullmatch(rb"-?\d+", log.key) for log in logs(2000, share_bad=0.5))


def test_late_logs_are_of_every_second_of_the_last_days_and_speak_of_the_accounts_of_their_day():
    fields = [json.loads(log.value or b"") for log in logs(20_000, share_bad=0, share_suspicious=0, late_days=30)]

    times = [int(of["event_timestamp"]) for of in fields]
    assert all(NOW - 30 * 86_400 <= when <= NOW for when in times)
    a_day = Counter((NOW - when) // 86_400 for when in times)
    assert all(a_day[number] == pytest.approx(20_000 / 30, rel=0.25) for number in range(30)), "all days alike"
    assert {day_of(of) for of in fields} == {TODAY - timedelta(days=number) for number in range(31)}
    assert all(devices_on(day_of(of))[int(of["account_id"])] == of["device"] for of in fields)
    not_todays = sum(devices_on(TODAY).get(int(of["account_id"])) != of["device"] for of in fields)
    assert not_todays > 400, "of another device or account than today's"


def test_every_account_is_spoken_of():
    made = logs(20_000, share_bad=0, share_suspicious=0)

    assert {int(log.key) for log in made} == set(devices_on(TODAY))


@pytest.mark.parametrize("late_days", [0, 2])
def test_a_day_that_begins_meanwhile_brings_its_own_devices(late_days: int):
    """Half a year later: then every second account has another device, and a wrong one shows."""
    midnight = (NOW // 86_400 + 180) * 86_400
    times = [midnight - 180 * 86_400 - 1] * 300 + [midnight] * 300
    clock = iter(times)
    source = maker(share_bad=0, share_suspicious=0, late_days=late_days, clock=lambda: next(clock))

    fields = [json.loads(source.make().value or b"") for _ in times]

    pairs = zip(times, fields, strict=True)
    assert all(0 <= now - int(of["event_timestamp"]) <= late_days * 86_400 for now, of in pairs)
    assert all(devices_on(day_of(of)).get(int(of["account_id"])) == of["device"] for of in fields)
