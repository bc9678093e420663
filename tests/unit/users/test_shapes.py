"""Exports of any contract: what their lines may be, and the tables and statements that follow."""

import io
import re
from dataclasses import replace

import pytest

from include.contract.model import Attribute, Contract, Dimension, Field
from include.users import tables
from include.users.export import ExportRefusedError, read_export
from include.users.merging import Merging
from tests.unit.users.shapes import OTHER, OTHER_CONTRACT, SHIPPED, shape_of


def field(name: str, form: str, **more: object) -> Field:
    return Field(name, (name,), form, None, ("string",), True, False, 1, 8, **more)  # type: ignore[arg-type]


AT = Field("at", ("at",), "timestamp", "seconds", ("number",), True, False, 0, 100)


def contract(key: Field, *attributes: Field) -> Contract:
    compared = tuple(Attribute(each.name, each.name, f"unexpected_{each.name}") for each in attributes)
    dimension = Dimension(key.name, key.name, "at", "unknown", compared)
    return Contract((key, *attributes, AT), dimension=dimension)


TEXTS = contract(field("name", "text"), field("size", "int64"), field("address", "ip"))


def read(text: str, of: Contract) -> list[tuple[object, ...]]:
    return [*read_export(io.BytesIO(text.encode()), "it", shape_of(of))]


def test_a_header_follows_from_the_contract() -> None:
    assert SHIPPED.header == "account_no,user_device"
    assert OTHER.header == "user_no,user_device,home_country"


def test_values_are_read_in_the_form_that_the_rules_compare() -> None:
    lines = ["a ,-007,2001:DB8:0::1", "a,9223372036854775807,::ffff:192.0.2.7", f"{'😀' * 8},0,192.0.2.7"]
    text = "\n".join(["name,size,address", *lines, ""])
    assert read(text, TEXTS) == [
        ("a ", -7, "2001:db8::1", 2),
        ("a", 2**63 - 1, "::ffff:192.0.2.7", 3),
        ("😀" * 8, 0, "192.0.2.7", 4),
    ]
    assert read("user_no,user_device,home_country\n-9223372036854775808,IOS,ÄÖ\n", OTHER_CONTRACT) == [
        (-(2**63), "IOS", "ÄÖ", 2)
    ]


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        (",0,192.0.2.7", "1 to 8 characters without NUL (name)"),
        ("123456789,0,192.0.2.7", "1 to 8 characters without NUL (name)"),
        ("a\0,0,192.0.2.7", "1 to 8 characters without NUL (name)"),
        ("a,9223372036854775808,192.0.2.7", "a 64-bit integer (size)"),
        ("a,,192.0.2.7", "a 64-bit integer (size)"),
        ("a,0,192.0.2.07", "an IP address (address)"),
        ("a,0,fe80::1%eth0", "an IP address (address)"),
        ("a,0", "an IP address (address)"),
        ("a,0,192.0.2.7,", "an IP address (address)"),
    ],
)
def test_what_a_column_does_not_take_is_refused_with_its_line(line: str, complaint: str) -> None:
    with pytest.raises(ExportRefusedError, match=f"it, line 2: .* is not .*{re.escape(complaint)}"):
        read(f"name,size,address\n{line}\n", TEXTS)


def test_what_separates_attributes_is_in_none_of_several() -> None:
    one, two = contract(field("name", "text"), field("a", "text")), None
    two = contract(field("name", "text"), field("a", "text"), field("b", "text"))
    assert read("name,a\nx\1,y\1\n", one) == [("x\1", "y\1", 2)]
    with pytest.raises(ExportRefusedError, match=r"line 2: .* without NUL or U\+0001 \(a\)"):
        read("name,a,b\nx,y\1,z\n", two)


def test_without_a_dimension_there_are_no_tables() -> None:
    assert tables.statements(replace(OTHER_CONTRACT, dimension=None)) == ""


SHIPPED_TABLES = """
CREATE TABLE IF NOT EXISTS dim_users.users (
  account_no INT NOT NULL PRIMARY KEY,
  user_device VARCHAR(64) NOT NULL
);
CREATE TABLE IF NOT EXISTS dim_users.users_history (
  account_no INT NOT NULL,
  user_device VARCHAR(64) NOT NULL,
  valid_from DATE NOT NULL COMMENT 'UTC, the first day; 1970-01-01 in the first period of an account',
  valid_to DATE COMMENT 'UTC, the day after the last; null: still valid',
  seen_from DATE NOT NULL COMMENT 'the first day with such an export: valid_from, except in the first period',
  PRIMARY KEY (account_no, valid_from)
);
"""


def test_the_tables_of_the_contract_that_ships_are_as_they_always_were() -> None:
    from include.contract import reading
    from include.settings import ROOT

    made = tables.statements(reading.load(ROOT / "contract.toml")).replace("`", "")
    assert SHIPPED_TABLES in made
    assert "changes (\n  account_no INT NOT NULL,\n  version INT NOT NULL,\n" in made
    assert "PRIMARY KEY (account_no, version)\n" in made
    assert made.count("CREATE TABLE") == 5


def test_columns_have_the_types_of_their_fields_and_texts_as_keys_are_told_apart_by_their_blanks() -> None:
    made = tables.statements(TEXTS)
    assert "`name` VARCHAR(8) COLLATE utf8mb4_0900_bin NOT NULL PRIMARY KEY" in made
    assert "`size` BIGINT NOT NULL" in made
    assert "`address` VARCHAR(45) NOT NULL" in made.replace("VARCHAR(8)", "VARCHAR(45)")
    assert "PRIMARY KEY (`name`, valid_from)" in made


@pytest.mark.parametrize("of", [SHIPPED, OTHER, shape_of(TEXTS)])
def test_every_statement_names_columns_that_there_are(of: object) -> None:
    """Tables and columns of the statements, looked up by their names: MySQL itself runs them in tests/integration."""
    merging = Merging(of)  # type: ignore[arg-type]
    statements = [merging.stage(), *merging.differing(), *merging.merge()]
    attributes = [each.quoted for each in of.attributes]  # type: ignore[attr-defined]
    period = ["valid_from", "valid_to", "seen_from"]
    history = [of.key.quoted, *attributes, *period]  # type: ignore[attr-defined]
    known = dict.fromkeys(("users_history", "first", "before_it", "behind", "now"), history)
    known |= {"users": [of.key.quoted, *attributes], "looked_up": ["user_key", "first_day", "end_day"]}  # type: ignore[attr-defined]
    known["firsts"] = ["user_key", "first_from"]
    for statement in statements:
        if made := re.fullmatch(r"CREATE TEMPORARY TABLE (\w+) \((.*)\)", statement):
            known[made[1]] = [
                line.split()[0] for line in re.split(r", (?![^(]*\))", made[2]) if "PRIMARY KEY (" not in line
            ]
        for table, column in re.findall(r"\b([a-z_]+)\.(`\w+`|[a-z]\w*)", statement):
            assert column in known[table], (table, column, statement)
