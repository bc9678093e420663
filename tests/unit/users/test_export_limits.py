"""An accounts export that is wrong as a whole is told from one that changed as usual, however many accounts it has."""

import re
from collections.abc import Callable
from datetime import date, timedelta

import pytest

from include.source.accounts import Accounts
from include.source.shipped import DEVICES
from include.users.export import ExportRefusedError
from include.users.limits import Difference, Example, Limits, check, nearest
from tests.unit.users.shapes import devices_of

DAY = date(2026, 3, 9)
LIMITS = Limits(changed=0.1, closed=0.1, added=0.1)
Export = dict[int, str]


def compared(before: Export, after: Export, days: int = 1) -> Difference:
    """As MySQL counts it."""
    changed = sorted(number for number in before.keys() & after.keys() if before[number] != after[number])
    closed, added = sorted(before.keys() - after.keys()), sorted(after.keys() - before.keys())

    def example(numbers: list[int]) -> Example | None:
        if not numbers:
            return None
        was, becomes = (export.get(numbers[0]) for export in (before, after))
        return Example(f"account {numbers[0]}", was and repr(was), becomes and repr(becomes))

    counts = (len(after), len(changed), len(closed), len(added))
    return Difference(DAY, DAY - timedelta(days), *counts, example(changed), example(closed), example(added))


def refusal(before: Export, after: Export, days: int = 1, limits: Limits = LIMITS) -> str:
    with pytest.raises(ExportRefusedError) as refused:
        check(compared(before, after, days), "that.csv", limits)
    return str(refused.value)


def swapped_by_a_row(export: Export) -> Export:
    devices = list(export.values())
    return dict(zip(export, [*devices[1:], devices[0]], strict=True))


WRONG: dict[str, tuple[Callable[[Export], Export], str]] = {
    "lower case": (lambda export: {n: device.lower() for n, device in export.items()}, "CHANGED"),
    "a blank behind": (lambda export: {n: f"{device} " for n, device in export.items()}, "CHANGED"),
    "blanks only": (lambda export: dict.fromkeys(export, "  "), "CHANGED"),
    "quotes inside": (lambda export: {n: f'"{device}"' for n, device in export.items()}, "CHANGED"),
    "swapped by a row": (swapped_by_a_row, "CHANGED"),
    "sorted devices": (lambda export: dict(zip(export, sorted(export.values()), strict=True)), "CHANGED"),
    "all the same": (lambda export: dict.fromkeys(export, "IOS"), "CHANGED"),
    "other numbers": (lambda export: {n + 2**30: device for n, device in export.items()}, "CLOSED"),
    "the sign lost": (lambda export: {-n: device for n, device in export.items()}, "ADDED"),
    "the first half": (lambda export: dict(list(export.items())[: len(export) // 2]), "CLOSED"),
    "one account": (lambda export: dict(list(export.items())[:1]), "CLOSED"),
    "twice as many": (lambda export: export | {-n: device for n, device in export.items()}, "ADDED"),
    "of last year": (lambda export: devices_of(Accounts(7, len(export)), DAY - timedelta(366)), "CHANGED"),
    "of another system": (lambda export: devices_of(Accounts(8, len(export)), DAY), "CLOSED"),
}


@pytest.mark.parametrize("count", [10, 100, 10_000])
@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_wrong_as_a_whole_is_refused_with_its_setting_and_an_example(count: int, wrong: str):
    make, setting = WRONG[wrong]
    before = devices_of(Accounts(7, count), DAY - timedelta(1))

    said = refusal(before, make(devices_of(Accounts(7, count), DAY)))

    assert f"LOGSIEVE_ACCOUNTS_MOST_{setting}=0.1" in said
    assert re.search(r"for example account -?\d+: ('.*'|unknown) → ('.*'|absent);", said)


@pytest.mark.parametrize("count", [10, 100, 10_000])
def test_a_day_as_usual_is_not_refused_however_far_the_other_is(count: int):
    today = devices_of(Accounts(7, count), DAY)
    for days in (0, 1, 2, 3, 7, 30, 90, 365, 700):
        check(compared(devices_of(Accounts(7, count), DAY - timedelta(days)), today, days), "that.csv", LIMITS)
        check(compared(today, devices_of(Accounts(7, count), DAY - timedelta(days)), days), "that.csv", LIMITS)


@pytest.mark.parametrize("days", [1, 30, 365, 20_000])
def test_no_distance_excuses_that_every_device_or_account_is_another(days: int):
    before = devices_of(Accounts(7, 1000), DAY)
    for wrong in ("lower case", "other numbers"):
        assert "too different" in refusal(before, WRONG[wrong][0](before), days)


def test_the_error_says_everything_at_once_and_the_command_that_accepts_it():
    before = dict.fromkeys(range(100), "IOS")
    after = dict.fromkeys(range(50, 150), "ios")

    assert refusal(before, after) == (
        "that.csv is too different from 2026-03-08: 50 of 50 accounts in both have another device, for example account"
        " 50: 'IOS' → 'ios'; at most 10% may (LOGSIEVE_ACCOUNTS_MOST_CHANGED=0.1). 50 of 100 accounts before are"
        " closed, for example account 0: 'IOS' → absent; at most 10% may (LOGSIEVE_ACCOUNTS_MOST_CLOSED=0.1). 50 of 100"
        " accounts in it are new, for example account 100: unknown → 'ios'; at most 10% may"
        " (LOGSIEVE_ACCOUNTS_MOST_ADDED=0.1). Nothing was loaded. Fix the file and clear the task. If it is right,"
        " accept this day once: ./logsieve airflow dags trigger"
        """ users_dimension --conf '{"accept": "2026-03-09"}'."""
    )


@pytest.mark.parametrize(("count", "may"), [(1, 1), (2, 1), (3, 2), (4, 3), (10, 3), (40, 4), (1000, 100)])
def test_a_few_accounts_may_always_change_but_never_all(count: int, may: int):
    before = dict.fromkeys(range(count), DEVICES[0])
    check(compared(before, before | dict.fromkeys(range(may), DEVICES[1])), "it", LIMITS)
    if count > 1:
        refusal(before, before | dict.fromkeys(range(may + 1), DEVICES[1]))


def test_a_limit_of_one_allows_everything_and_one_of_nothing_a_few():
    before = devices_of(Accounts(7, 100), DAY)
    for make, _ in WRONG.values():
        check(compared(before, make(before)), "it", Limits(1, 1, 1))
    refusal(before, before | dict.fromkeys(list(before)[:4], "FRIDGE"), limits=Limits(0, 0, 0))


@pytest.mark.parametrize(
    ("loaded", "other"),
    [([], None), ([0], 0), ([-1, 0, 1], 0), ([-1, 1], -1), ([-3, 1], 1), ([-300, 200], 200), ([-5], -5)],
)
def test_an_export_is_compared_with_its_own_day_else_the_nearest(loaded: list[int], other: int | None):
    days = [DAY + timedelta(days) for days in loaded]
    assert nearest(DAY, days) == (None if other is None else DAY + timedelta(other))
