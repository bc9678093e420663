"""Logs of other contracts: accounts, values, and every kind. That they are what they say is in tests/contracts."""

import csv
import io
import json
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from include.contract import reading, reasons
from include.contract.errors import ContractError
from include.contract.model import Contract
from include.settings import ROOT
from include.source import making, population, shipped
from include.source.accounts import Accounts, ensure_export, write_export
from include.source.any_log import AnyLogMaker
from include.source.draws import Log
from include.source.errors import NoValueError
from include.source.log_maker import LogMaker
from include.users.export import read_export
from tests.unit.users.shapes import OTHER, OTHER_CONTRACT, shape_of

NOW = 1_795_395_723
DAY = date(2026, 11, 23)
TIME = '[[field]]\nname = "at"\ntype = "timestamp"\nunit = "milliseconds"\n'
DIMENSION = '[dimension]\nkey = "who"\nat = "at"\n[[dimension.attribute]]\nfield = "what"\n'


def declared(text: str) -> Contract:
    return reading.parse(text, ROOT / "it.toml")


def of(who: str, what: str = 'type = "text"') -> Contract:
    return declared(f'[[field]]\nname = "who"\n{who}\n[[field]]\nname = "what"\n{what}\n{TIME}{DIMENSION}')


def maker(contract: Contract, seed: int = 1, accounts: int = 100, **how: Any) -> AnyLogMaker:
    how = {"share_bad": 0.4, "share_suspicious": 0.3, "clock": lambda: NOW} | how
    made = making.maker(contract, Accounts(7, accounts, population.of(contract)), seed, **how)
    assert isinstance(made, AnyLogMaker)
    return made


def logs(contract: Contract, count: int, **how: Any) -> list[Log]:
    made = maker(contract, **how)
    return [made.make() for _ in range(count)]


def test_the_contract_that_ships_has_its_own_maker_and_accounts() -> None:
    contract = reading.load(ROOT / "contract.toml")
    assert shipped.is_for(contract)
    assert population.of(contract) is population.SIX_FIELDS
    made = making.maker(contract, Accounts(7, 10), 1, share_bad=0, share_suspicious=0)
    assert isinstance(made, LogMaker)
    assert not shipped.is_for(replace(contract, fields=contract.fields[:-1]))


def test_every_reason_and_every_way_to_be_suspicious_is_made() -> None:
    made = maker(OTHER_CONTRACT)
    counts = Counter(log.kind for log in (made.make() for _ in range(8000)))
    assert set(counts) == set(made.reasons)
    known = {*reasons.every(OTHER_CONTRACT)} - {reasons.UNREADABLE}
    assert {reason for each in made.reasons.values() for reason in each} == known
    assert ("unexpected_device", "unusual_country") in made.reasons.values()
    statuses = Counter(log.status for log in logs(OTHER_CONTRACT, 4000))
    assert statuses["bad"] == pytest.approx(1600, rel=0.1)
    assert statuses["suspicious"] == pytest.approx(1200, rel=0.1)


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others() -> None:
    assert logs(OTHER_CONTRACT, 500, seed=3) == logs(OTHER_CONTRACT, 500, seed=3)
    assert not {log.value for log in logs(OTHER_CONTRACT, 200, seed=3, share_bad=0)} & {
        log.value for log in logs(OTHER_CONTRACT, 200, seed=4, share_bad=0)
    }


def test_what_may_be_absent_or_null_sometimes_is() -> None:
    found = [json.loads(log.value or b"") for log in logs(OTHER_CONTRACT, 500, share_bad=0, share_suspicious=0)]
    assert {"name" in each["request"]["user"] for each in found} == {True, False}
    assert {each["client"]["proxy"] is None for each in found} == {True, False}
    assert {type(each["request"]["user"]["id"]) for each in found} == {int, str}
    assert all(each["response"].get("bytes") is not None for each in found if each["method"] == "POST")


@pytest.mark.parametrize("late_days", [0, 30])
def test_good_logs_have_what_the_account_has_on_the_day_of_the_event(late_days: int) -> None:
    accounts = Accounts(7, 100, population.of(OTHER_CONTRACT))
    for log in logs(OTHER_CONTRACT, 500, share_bad=0, share_suspicious=0, late_days=late_days):
        found = json.loads(log.value or b"")
        day = datetime.fromisoformat(found["times"]["start"]).astimezone(UTC).date()
        user = found["request"]["user"]
        assert accounts.on(day)[int(user["id"])] == (found["client"]["device"], user["country"])
        assert log.key == str(user["id"]).encode()


def test_an_export_reads_back(tmp_path: Any) -> None:
    accounts = Accounts(7, 300, population.of(OTHER_CONTRACT))
    with write_export(tmp_path, DAY, accounts).open("rb") as export:
        read = list(read_export(export, "it", OTHER))
    assert {key: tuple(attributes) for key, *attributes, _ in read} == accounts.on(DAY)
    assert len(read) == 300


def test_each_attribute_changes_on_its_own_days() -> None:
    accounts = Accounts(7, 1000, population.of(OTHER_CONTRACT))
    before, after = accounts.on(date(2026, 1, 1)), accounts.on(date(2026, 3, 1))
    both = before.keys() & after.keys()
    changed = Counter(tuple(a != b for a, b in zip(before[key], after[key], strict=True)) for key in both)
    assert changed[True, False] > 50
    assert changed[False, True] > 50
    assert changed[False, False] > changed[True, True]


KEYS = {
    "numbers of 32 bits": 'type = "int32"',
    "a range below zero": 'type = "int64"\nrange = [-5000, -1000]',
    "some numbers": 'type = "int32"\none_of = [3, 1, 4, 15, 92, 65]',
    "one number": 'type = "int32"\none_of = [3]',
    "texts": 'type = "text"',
    "short texts": 'type = "text"\nlength = [2, 3]',
    "one letter": 'type = "text"\nlength = [1, 1]',
    "a pattern": """type = "text"\npattern = '[A-Z]{2}\\d{4}'""",
    "a small pattern": 'type = "text"\npattern = "[ab]"',
    "examples": 'type = "text"\npattern = "(?i)[a-z]+"\nexamples = ["Ann", "bob", "Cy", "Di"]',
    "numbers as texts": 'type = "text"\njson = ["number"]\nlength = [1, 5]',
}


@pytest.mark.parametrize("who", KEYS)
def test_keys_of_every_kind_are_unique_and_unknown_ones_are_never_known(who: str) -> None:
    contract = of(KEYS[who], 'type = "text"\none_of = ["a", "b"]')
    accounts = Accounts(7, 50, population.of(contract))
    known = {key for number in range(0, 400, 20) for key in accounts.on(date(2026, 1, 1 + number // 20))}
    on = accounts.on(DAY)
    assert len(on) == accounts.count
    assert list(read_export(io.BytesIO(_csv(contract, on)), "it", shape_of(contract)))
    made = logs(contract, 500, accounts=50, share_bad=0, share_suspicious=0.5)
    assert {log.kind for log in made} >= {"good", "unexpected_what"}
    if who != "one number":
        assert not known & {shape_of(contract).key.read(log.key.decode()) for log in made if log.kind == "unknown_who"}
        assert "unknown_who" in {log.kind for log in made}


def _csv(contract: Contract, on: dict[Any, tuple[Any, ...]]) -> bytes:
    out = io.StringIO()
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(shape_of(contract).header.split(","))
    rows.writerows((key, *attributes) for key, attributes in on.items())
    return out.getvalue().encode()


def test_without_a_dimension_nothing_is_suspicious_and_nothing_is_exported(tmp_path: Any) -> None:
    contract = replace(OTHER_CONTRACT, dimension=None)
    made = logs(contract, 500)
    assert {log.status for log in made} == {"good", "bad"}
    assert ensure_export(tmp_path, DAY, Accounts(7, 10, population.of(contract))) is None
    assert not list(tmp_path.iterdir())


def test_times_keep_to_their_limits() -> None:
    limited = TIME.replace('"milliseconds"\n', '"milliseconds"\nrange = [1000000000000, 1000000000999]\n')
    looked_up = (
        '[[field]]\nname = "who"\ntype = "int32"\n[[field]]\nname = "what"\ntype = "text"\n' + limited + DIMENSION
    )
    for text, expected in ((limited, 1_000_000_000_999), (looked_up, 1_000_000_000_000)):
        made = logs(declared(text), 50, share_bad=0)
        assert {json.loads(log.value or b"")["at"] for log in made} == {expected}


def test_a_rule_that_no_log_can_break_alone_or_obey_is_no_kind() -> None:
    two = f'[[field]]\nname = "a"\ntype = "boolean"\n[[field]]\nname = "b"\ntype = "int32"\nrequired = false\n{TIME}'
    rule = '[[rule]]\nname = "{}"\nrequired_when = {{ field = "b", when_field = "a", is = {} }}\n'
    assert {"one"} <= set(maker(declared(two + rule.format("one", "true"))).reasons)
    twins = declared(two + rule.format("one", "true") + rule.format("two", "true"))
    assert not {"one", "two"} & set(maker(twins).reasons)


def test_examples_are_used_and_must_be_good() -> None:
    contract = of('type = "int32"', 'type = "text"\nexamples = ["tea", "coffee"]')
    assert population.of(contract).attributes == (("tea", "coffee"),)
    for what in (
        'type = "text"\nlength = [1, 3]\nexamples = ["coffee"]',
        'type = "text"\npattern = "[a-z]+"\nexamples = ["TEA"]',
        'type = "text"\none_of = ["a"]\nexamples = ["b"]',
        'type = "text"\nexamples = [1]',
        'type = "int32"\nrange = [1, 5]\nexamples = [6]',
    ):
        with pytest.raises(ContractError, match=r"it\.toml:\d+: field what"):
            of('type = "int32"', what)


def test_a_pattern_that_is_not_understood_asks_for_examples() -> None:
    with pytest.raises(NoValueError, match=r"field what .* Give the field examples"):
        population.of(of('type = "int32"', 'type = "text"\npattern = "(?i)a+"'))
