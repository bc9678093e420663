"""One contract follows another: what changes, what is refused, and what tables and messages of both have."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from include.contract import documents, mapping, reading, reasons, tables
from include.contract.changing import changes
from include.contract.model import Contract, Stored
from include.names import BAD, GOOD
from include.settings import ROOT

OURS = reading.load(ROOT / "contract.toml")
TEXT = (ROOT / "contract.toml").read_text(encoding="utf-8")
DEVICE = 'name = "device"\ntype = "text"\njson = ["string", "number"]\nlength = [1, 64]\n'
COUNTRY = DEVICE.replace("device", "location_country")
NOTE = '[[field]]\nname = "note"\ntype = "text"\nlength = [1, 100]\n'
OPTIONAL_NOTE = f"{NOTE}required = false\n"
WITHOUT_TYPE = re.sub(r'\[\[field\]\]\nname = "event_type".*?\n\n', "", TEXT, flags=re.DOTALL)


def declared(text: str) -> Contract:
    return reading.parse(text, Path("contract.toml"))


def with_field(field: str) -> str:
    return TEXT.replace("[dimension]", f"{field}\n[dimension]")


def device(*, was: str = "length = [1, 64]\n", now: str) -> str:
    assert was in DEVICE
    return TEXT.replace(DEVICE, DEVICE.replace(was, now))


def test_the_same_contract_has_no_differences() -> None:
    assert changes.differences(OURS, declared(TEXT)) == []
    after = changes.following(OURS, declared(with_field(OPTIONAL_NOTE)))
    assert changes.differences(after, declared(with_field(OPTIONAL_NOTE))) == []


@pytest.mark.parametrize(
    ("text", "kind", "name", "lifted"),
    [
        (with_field(OPTIONAL_NOTE), "added", "note", set()),
        (with_field(NOTE), "added", "note", set()),
        (device(now="length = [1, 200]\n"), "wider", "device", {"too_long_device"}),
        (TEXT.replace(COUNTRY, COUNTRY.replace("[1,", "[0,")), "wider", "location_country", {"empty_location_country"}),
        (device(now="length = [1, 32]\n"), "narrower", "device", set()),
        (device(now="length = [2, 64]\n"), "narrower", "device", set()),
        (device(now="length = [1, 64]\nrequired = false\n"), "wider", "device", {"missing_device"}),
        (device(now="length = [1, 64]\nnull = true\n"), "wider", "device", {"null_device"}),
        (device(was='json = ["string", "number"]\n', now='json = ["string"]\n'), "narrower", "device", set()),
        (device(now='length = [1, 64]\none_of = ["IOS", "ANDROID"]\n'), "narrower", "device", set()),
        (device(now='length = [1, 64]\npath = "client.device"\n'), "changed", "device", set()),
        (WITHOUT_TYPE, "removed", "event_type", {"missing_event_type", "null_event_type", "invalid_event_type",
                                                 "empty_event_type", "too_long_event_type"}),
        (TEXT.replace('tops = ["location_country", "device"]', 'tops = ["device"]'), "changed", "roles", set()),
        (TEXT.replace('"unknown_account"', '"no_account"'), "changed", "dimension", set()),
    ],
)  # fmt: skip
def test_each_change_is_named_with_the_reasons_that_it_lifts(text: str, kind: str, name: str, lifted: set[str]) -> None:
    (found,) = changes.differences(OURS, declared(text))
    assert (found.kind, found.name, set(found.lifted)) == (kind, name, lifted)
    assert lifted <= reasons.of_bad_logs(OURS).keys(), "logs have these reasons now"
    assert found.loses == (kind == "removed"), "only what is not kept any more must be accepted"


def test_a_field_that_takes_some_values_more_and_some_less_is_both() -> None:
    found = changes.differences(OURS, declared(device(now="length = [2, 200]\n")))
    assert [each.kind for each in found] == ["wider", "narrower"]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (TEXT.replace('name = "event_type"\ntype = "text"\njson = ["string", "number"]\nlength = [1, 64]',
                      'name = "event_type"\ntype = "int32"'), "event_type"),
        (TEXT.replace('unit = "seconds"', 'unit = "milliseconds"'), "event_timestamp"),
        (TEXT.replace('column = "user_device"', 'column = "other"'), "dimension"),
        (TEXT.replace('[roles]', '[[dimension.attribute]]\nfield = "location_country"\n\n[roles]'), "dimension"),
    ],
)  # fmt: skip
def test_what_would_mix_two_meanings_in_a_column_is_refused_with_its_remedy(text: str, name: str) -> None:
    assert text != TEXT
    (found,) = changes.differences(OURS, declared(text))
    assert (found.kind, found.name) == ("refused", name)
    assert "another name" in found.effect or "--fresh" in found.effect


def test_the_name_of_a_field_that_was_removed_is_not_used_again() -> None:
    second = changes.following(OURS, declared(with_field(OPTIONAL_NOTE)))
    third = changes.following(second, declared(TEXT))
    (found,) = changes.differences(third, declared(with_field(OPTIONAL_NOTE)))
    assert (found.kind, found.name) == ("refused", "note")


def test_a_version_is_read_as_it_is_written() -> None:
    second = changes.following(OURS, declared(with_field(NOTE)))
    third = changes.following(second, declared(device(now="length = [1, 32]\n")))
    for each in (second, third):
        assert documents.of_document(documents.to_document(each)) == each
    assert [third.version, second.version, OURS.version] == [3, 2, 1]
    assert [(each.field.name, each.since, each.until) for each in third.stored][-2:] == [
        ("event_timestamp", 1, None),
        ("note", 2, 3),
    ]


def test_what_ships_says_no_version() -> None:
    assert "version" not in documents.to_document(OURS)
    assert "stored" not in documents.to_document(OURS)


def test_tables_and_index_have_the_fields_of_all_versions_as_wide_as_any_needs() -> None:
    second = changes.following(OURS, declared(device(now="length = [1, 200]\n")))
    third = changes.following(second, declared(WITHOUT_TYPE))
    made = tables.create(third.of_all_versions, GOOD)
    assert "`device` VARCHAR(200) NOT NULL" in made, "as in the second version: its rows are there"
    assert "`event_type` VARCHAR(64)," in made, "the third has none, and null is none"
    assert "contract_version INT NOT NULL DEFAULT 1" in made
    assert mapping.properties(third).keys() == {*OURS.names, "contract_version"}
    assert mapping.properties(OURS).keys() == {*OURS.names}


def test_a_field_that_was_added_is_null_in_earlier_rows_only_by_the_table() -> None:
    after = changes.following(OURS, declared(with_field(NOTE)))
    assert not after.by_name["note"].is_nullable, "a good log has it"
    assert after.of_all_versions.by_name["note"].is_nullable
    assert "`note` VARCHAR(100)," in tables.create(after.of_all_versions, GOOD)
    assert "`note` VARCHAR(100)," in tables.create(after.of_all_versions, BAD)


@pytest.mark.parametrize("text", [with_field(NOTE), WITHOUT_TYPE])
def test_what_follows_is_what_was_declared_and_has_each_column_once(text: str) -> None:
    after = changes.following(OURS, declared(text))
    assert len({each.field.name for each in after.stored}) == len(after.stored)
    assert replace(after, version=1, later=()) == declared(text)


def test_a_time_in_another_form_keeps_the_widest_limits() -> None:
    """Rows of the first version are rebuilt by them."""
    time = 'name = "seen_at"\ntype = "timestamp"\nunit = '
    first = declared(with_field(f'[[field]]\n{time}"milliseconds"\nrange = [1000, 9000]\n'))
    (found,) = versions_of(
        first, f'[[field]]\n{time}"iso8601"\nrange = ["1970-01-01T00:00:02Z", "1970-01-01T00:00:03Z"]\n'
    )
    assert (found.field.unit, found.field.least, found.field.most) == ("iso8601", 1000, 9000)


def versions_of(before: Contract, field: str) -> list[Stored]:
    after = changes.following(before, declared(with_field(field)))
    return [each for each in after.stored if each.field.name == "seen_at"]
