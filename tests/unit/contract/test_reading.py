"""Every mistake of a contract is found, with its line, its place, and what to do."""

from pathlib import Path

import pytest

from include.contract import documents, for_rules, reading
from include.contract.errors import ContractError
from include.contract.lines import Lines
from include.settings import ROOT

SHIPPED = (ROOT / "contract.toml").read_text(encoding="utf-8")
OTHER = (ROOT / "tests" / "contracts" / "contract.toml").read_text(encoding="utf-8")
SCANS = (ROOT / "examples" / "scans" / "contract.toml").read_text(encoding="utf-8")
FILE = Path("contract.toml")
LONG = "a" * 61


def problems(text: str) -> list[str]:
    with pytest.raises(ContractError) as error:
        reading.parse(text, FILE)
    for each in error.value.problems:
        assert each.remedy
    return [ContractError.text(each) for each in error.value.problems]


MISTAKES = {
    # Old text, new text, and the beginning of each problem.
    "no TOML": ('type = "int32"', "type = ", ["13: this is not TOML: Invalid value"]),
    "unknown word": ('type = "int32"', 'type = "int32"\nlenght = 3', ["14: field account_id: 'lenght' is no word"]),
    "unknown table": ("[roles]", "[role]", ["50: role: 'role' is no word of the contract here"]),
    "no name": ('name = "account_id"\n', "", ["11: field 2: name is missing"]),
    "wrong type": ('type = "int32"', 'type = "int"', ['13: field account_id: type is "int"']),
    "odd name": ('name = "device"', 'name = "Device"', ['23: field Device: name is "Device"']),
    "long name": ('name = "device"', f'name = "{LONG}"', [f'23: field {LONG}: name is "{LONG}"']),
    "verdict's name": ('name = "event_type"', 'name = "status"', ["17: field status: status is a name of the verdict"]),
    "name twice": (
        'name = "event_type"',
        'name = "event_id"',
        [
            "16: field event_id: the path event_id is that of event_id",
            "17: field event_id: event_id is the name of two",
        ],
    ),
    "path inside": (
        'name = "event_type"',
        'name = "event_type"\npath = "device.kind"',
        ["23: field device: the path device is that of event_type, or one is inside the other"],
    ),
    "no unit": ('unit = "seconds"\n', "", ["34: field event_timestamp: a timestamp has no unit"]),
    "unit of a text": (
        'name = "device"',
        'name = "device"\nunit = "seconds"',
        ["24: field device: unit does not apply to text"],
    ),
    "length of a number": (
        'type = "int32"',
        'type = "int32"\nlength = [1, 2]',
        ["14: field account_id: length does not"],
    ),
    "least above most": (
        'type = "int32"',
        'type = "int32"\nrange = [2, 1]',
        ["14: field account_id: range is [2, 1]: no"],
    ),
    "beyond 32 bits": (
        'type = "int32"',
        'type = "int32"\nrange = [0, 2147483648]',
        ["14: field account_id: range is [0, 2147483648]"],
    ),
    "a fraction": ('type = "int32"', 'type = "int32"\nrange = [0, 1.5]', ["14: field account_id: range is [0, 1.5]"]),
    "not finite": ('type = "int32"', 'type = "number"\nrange = [0, inf]', ["14: field account_id: range is [0, inf]"]),
    "three limits": (
        'type = "int32"',
        'type = "int32"\nrange = [0, 1, 2]',
        ["14: field account_id: range is [0, 1, 2]"],
    ),
    "before 1970": (
        'unit = "seconds"',
        'unit = "seconds"\nrange = [-1, 5]',
        ["38: field event_timestamp: range is [-1"],
    ),
    "no kind": (
        'type = "int32"\njson = ["string", "number"]',
        'type = "int32"\njson = []',
        ["14: field account_id: json"],
    ),
    "wrong kind": (
        'type = "int32"\njson = ["string", "number"]',
        'type = "int32"\njson = ["boolean"]',
        ["14: field account_id: a JSON boolean is never int32"],
    ),
    "one of another type": (
        'type = "int32"',
        'type = "int32"\none_of = ["a"]',
        ["14: field account_id: 'a' is not int32"],
    ),
    "one of, out of range": (
        'type = "int32"',
        'type = "int32"\nrange = [0, 5]\none_of = [1, 9]',
        ["15: field account_id: 9 is outside the limits"],
    ),
    "one of, twice": (
        'type = "int32"',
        'type = "int32"\none_of = [1, 1]',
        ["14: field account_id: a value is there twice"],
    ),
    "no pattern": (
        'name = "device"',
        'name = "device"\npattern = "(a"',
        ["24: field device: missing ): \\A(?:(a)\\z"],
    ),
    "a pattern with a look": (
        'name = "device"',
        'name = "device"\npattern = "(?=a)"',
        ["24: field device: invalid perl"],
    ),
    "a row too long": (
        'name = "device"\ntype = "text"\njson = ["string", "number"]\nlength = [1, 64]',
        'name = "device"\ntype = "text"\nlength = [1, 8191]\n\n'
        '[[field]]\nname = "b"\ntype = "text"\nlength = [1, 8191]',
        ["25: field device: a row has up to 66,"],
    ),
    "too long for the index": (
        'name = "device"\ntype = "text"\njson = ["string", "number"]\nlength = [1, 64]',
        'name = "device"\ntype = "text"\nlength = [1, 8192]',
        ["25: field device: length is [1, 8192]"],
    ),
    "no such key": ('key = "account_id"', 'key = "account"', ["41: dimension: there is no field account"]),
    "key of another type": (
        'key = "account_id"',
        'key = "event_timestamp"',
        [
            "41: dimension: event_timestamp is of the type timestamp",
            "41: dimension: event_timestamp is named twice",
            "43: dimension: event_timestamp is named twice",
        ],
    ),
    "no such time": ('at = "event_timestamp"', 'at = "event_id"', ["43: dimension: event_id is of the type text"]),
    "optional time": (
        'unit = "seconds"',
        'unit = "seconds"\nrequired = false',
        ["44: dimension: event_timestamp may be absent or null"],
    ),
    "no such attribute": ('field = "device"', 'field = "devize"', ["47: dimension: there is no field devize"]),
    "attribute is the key": (
        'field = "device"',
        'field = "account_id"',
        ["41: dimension: account_id is named twice", "47: dimension: account_id is named twice"],
    ),
    "empty attribute": (
        'name = "device"\ntype = "text"\njson = ["string", "number"]\nlength = [1, 64]',
        'name = "device"\ntype = "text"\nlength = [0, 64]',
        ["46: dimension: device may be the empty string"],
    ),
    "column twice": ('column = "user_device"', 'column = "account_no"', ["40: dimension: the column account_no is"]),
    "column of periods": ('column = "user_device"', 'column = "valid_to"', ["40: dimension: the column valid_to is"]),
    "column of changes": (
        'column = "account_no"',
        'column = "version"',
        ["42: dimension: the column version is one of version, first_day, end_day"],
    ),
    "a key too long": (
        'type = "int32"\njson = ["string", "number"]',
        'type = "text"\nlength = [1, 701]',
        ["41: dimension: account_id has up to 701 characters, MySQL can index 700 of a key"],
    ),
    "attributes too long": (
        'name = "device"\ntype = "text"\njson = ["string", "number"]\nlength = [1, 64]',
        'name = "device"\ntype = "text"\nlength = [1, 4100]',
        ["45: dimension: a load needs rows of up to 65,732 bytes, MySQL takes 65,535"],
    ),
    "reason twice": (
        'unknown_reason = "unknown_account"',
        'unknown_reason = "unexpected_device"',
        ["40: dimension: the reason unexpected_device is given twice"],
    ),
    "reason without use": (
        'unknown_reason = "unknown_account"',
        'unknown = "good"\nunknown_reason = "unknown_account"',
        ["45: dimension: unknown_reason has no use"],
    ),
    "no such role": ('id = "event_id"', 'id = "event"', ["51: roles: there is no field event"]),
    "time is none": ('time = "event_timestamp"', 'time = "event_id"', ["52: roles: event_id is no timestamp"]),
    "no such top": ('tops = ["location_country", "device"]', 'tops = ["x"]', ["54: roles: there is no field x"]),
    "a time as a filter": (
        '"device", "account_id"]',
        '"event_timestamp"]',
        ["53: roles: event_timestamp is a timestamp: hardly two logs"],
    ),
    "a label of no field": ("{ location_country =", "{ x =", ["55: roles: there is no field x"]),
    "an empty label": ('= "country"', '= ""', ['55: roles: location_country is ""']),
    "a label of two lines": ('= "country"', '= "a\\n"', ["55: roles: location_country is"]),
    "Logstash's mark": ('name = "event_type"', 'name = "tags"', ["17: field tags: by tags Logstash marks"]),
}
RULES = {
    "no kind": ('name = "a"', ['58: rule a: it is {"name": "a"}']),
    "no field": (
        'name = "a"\nnot_before = { field = "x", than = "event_timestamp" }',
        ["60: rule a: there is no field x"],
    ),
    "one field": (
        'name = "a"\nnot_before = { field = "event_timestamp", than = "event_timestamp" }',
        ["60: rule a: a field is named twice"],
    ),
    "no time": (
        'name = "a"\nnot_in_future = { field = "device", by_seconds = 1 }',
        ["60: rule a: device is no timestamp"],
    ),
    "no time limit": (
        'name = "a"\nnot_in_future = { field = "event_timestamp" }',
        ["60: rule a: by_seconds is missing"],
    ),
    "never broken": (
        'name = "a"\nrequired_when = { field = "device", when_field = "event_type", is = "x" }',
        ["60: rule a: device is required anyway"],
    ),
    "never true": (
        'name = "a"\nrequired_when = { field = "device", when_field = "event_type", is = 5 }',
        ["60: rule a: device is required anyway", "60: rule a: event_type can never be 5"],
    ),
    "no class": (
        'name = "a"\njava = { class = "own.A", fields = ["device"], says = "x" }',
        ['60: rule a: class is "own.A"'],
    ),
    "no meaning": (
        'name = "a"\njava = { class = "A", fields = ["device"] }',
        ["60: rule a: says is missing"],
    ),
    "no field of ours": (
        'name = "a"\njava = { class = "A", fields = ["device", "x"], says = "x" }',
        ["60: rule a: there is no field x"],
    ),
    "broken by another field": (
        'name = "a"\njava = { class = "A", fields = ["device"], says = "x", broken_by = { event_id = "x" } }',
        ["60: rule a: event_id is no field of the rule"],
    ),
    "broken by no value": (
        'name = "a"\njava = { class = "A", fields = ["account_id"], says = "x", broken_by = { account_id = "x" } }',
        ["60: rule a: account_id can never be 'x'"],
    ),
    "a field's reason": (
        'name = "null_device"\nnot_in_future = { field = "event_timestamp", by_seconds = 1 }',
        ["59: rule null_device: null_device is the name of another rule, or the reason of a field"],
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_named_with_its_line(name: str) -> None:
    old, new, expected = MISTAKES[name]
    assert old in SHIPPED
    found = problems(SHIPPED.replace(old, new, 1))
    assert len(found) == len(expected), found
    for text, beginning in zip(found, expected, strict=True):
        assert text.startswith(beginning), found


@pytest.mark.parametrize("name", RULES)
def test_a_mistake_in_a_rule_is_named_with_its_line(name: str) -> None:
    rule, expected = RULES[name]
    found = problems(f"{SHIPPED}\n\n[[rule]]\n{rule}\n")
    assert [text[: len(beginning)] for text, beginning in zip(found, expected, strict=True)] == expected, found


def test_the_error_is_readable() -> None:
    with pytest.raises(ContractError) as error:
        reading.parse(SHIPPED.replace('"int32"', '"int"'), FILE)
    assert str(error.value) == (
        'contract.toml:13: field account_id: type is "int". One of text, int32, int64, number, boolean, timestamp, ip.'
    )


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match="LOGSIEVE_CONTRACT"):
        reading.load(tmp_path / "none.toml")


@pytest.mark.parametrize("text", [SHIPPED, OTHER, SCANS], ids=["shipped", "other", "scans"])
def test_a_contract_survives_its_canonical_form(text: str, tmp_path: Path) -> None:
    contract = reading.parse(text, FILE)
    shipped = tmp_path / "contract.json"
    shipped.write_text(documents.canonical(contract), encoding="utf-8")
    assert reading.load(shipped) == contract
    assert documents.digest(reading.load(shipped)) == documents.digest(contract)


def test_what_says_the_same_in_other_words_has_the_same_digest() -> None:
    terse = SHIPPED.replace('column = "user_device"', 'reason = "unexpected_device"\ncolumn = "user_device"')
    terse = terse.replace("length = [1, 64]", "length = [1, 64] # characters\nrequired = true\nnull = false")
    assert documents.digest(reading.parse(terse, FILE)) == documents.digest(reading.parse(SHIPPED, FILE))
    assert documents.digest(reading.parse(OTHER, FILE)) != documents.digest(reading.parse(SHIPPED, FILE))


def test_no_dimension_and_no_roles_are_fine() -> None:
    contract = reading.parse('[[field]]\nname = "a"\ntype = "boolean"\n', FILE)
    assert contract.dimension is None
    assert (contract.roles.id, contract.roles.filters) == (None, ())


def test_what_java_reads_keeps_backslashes_and_spaces() -> None:
    text = '[[field]]\nname = "a"\ntype = "text"\npattern = \'\\d+\'\none_of = [" b\\nc"]\nlength = [0, 9]\n'
    written = for_rules.properties(reading.parse(text, FILE))
    assert "field.0.pattern = \\\\d+\n" in written
    assert "field.0.one_of.0 = \\ b\\nc\n" in written


def test_lines_of_tables_and_keys_are_found() -> None:
    lines = Lines('a = 1\n[[b]]\n c = 2\n[[b]]\n[[b.d]]\n[[b.d]]\ne = 3\n[f . g]\n"h" = 4\n')
    places = [("a",), ("b", 0), ("b", 0, "c"), ("b", 1), ("b", 1, "d", 1, "e"), ("f", "g", "h"), ("b", 1, "c"), ("x",)]
    assert [lines.of(place) for place in places] == [1, 2, 3, 4, 7, 8, 4, 1]
