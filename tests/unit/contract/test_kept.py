"""The contract is held against the columns of the tables that exist."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from include.contract import reading
from include.contract.changing import changes, kept
from include.contract.tables import VERSION_COLUMN
from include.names import BAD, STATUSES, TABLES
from include.settings import ROOT

OURS = reading.load(ROOT / "contract.toml")
Row = tuple[str, str, str, int, int]
FIELDS = {
    "event_id": "varchar(64)",
    "account_id": "int(11)",  # as older servers show it
    "event_type": "varchar(64)",
    "device": "varchar(64)",
    "location_country": "varchar(64)",
    "event_timestamp": "datetime",
}
SUSPICIOUS = TABLES["suspicious"]


def row(status: str, name: str, kind: str) -> Row:
    return TABLES[status], name, kind, int(status == BAD), int(status != BAD)


ROWS = [row(status, *field) for status in STATUSES for field in [*FIELDS.items(), ("reasons", "json")]]


def changed(column: str, change: Callable[[Row], Row | None]) -> list[Row]:
    """ROWS, with a change to one column of the suspicious logs."""
    made = [change(row) if row[:2] == (SUSPICIOUS, column) else row for row in ROWS]
    return [row for row in made if row is not None]


def test_its_own_tables_are_as_it_says() -> None:
    assert kept.difference(OURS, ROWS) is None
    assert kept.difference(OURS, []) is None, "they do not exist yet"


@pytest.mark.parametrize(
    ("found", "what"),
    [
        (changed("device", lambda row: None), "it has no column device"),
        (changed("device", lambda row: (*row[:2], "varchar(32)", 0, 1)), r"device is varchar\(32\), .* varchar\(64\)"),
        (changed("account_id", lambda row: (*row[:2], "smallint", 0, 1)), "account_id is smallint, and should be int"),
        (changed("event_timestamp", lambda row: (*row[:2], "date", 0, 1)), "event_timestamp is date, .* datetime"),
        ([*ROWS, (SUSPICIOUS, "browser", "text", 0, 1)], "its column browser is no field"),
    ],
)
def test_another_contract_is_named_with_its_remedy(found: list[Row], what: str) -> None:
    said = kept.difference(OURS, found) or ""
    assert re.match(rf"the table logs.suspicious_logs is of another contract: {what}\. Set LOGSIEVE_CONTRACT", said)


@pytest.mark.parametrize(
    "row",
    [
        (SUSPICIOUS, "device", "varchar(255)", 0, 1),
        (SUSPICIOUS, "device", "varchar(64)", 1, 0),
        (SUSPICIOUS, "account_id", "bigint(20)", 0, 1),
        (SUSPICIOUS, "event_timestamp", "datetime(3)", 0, 1),
    ],
)
def test_a_wider_column_holds_its_rows(row: Row) -> None:
    """Another version of the contract needs it."""
    assert kept.difference(OURS, changed(row[1], lambda _: row)) is None


def test_a_column_of_the_users_own_that_may_stay_empty_is_no_difference() -> None:
    assert kept.difference(OURS, [*ROWS, (TABLES["good"], "note", "text", 1, 0)]) is None


def test_what_another_version_needs_is_altered_and_nothing_else() -> None:
    """tests/integration/test_contract_changes.py runs the clauses on MySQL."""
    text = (ROOT / "contract.toml").read_text(encoding="utf-8")
    longer = text.replace('name = "device"\ntype = "text"\njson = ["string", "number"]\nlength = [1, 64]',
                          'name = "device"\ntype = "text"\njson = ["string", "number"]\nlength = [1, 80]')  # fmt: skip
    more = longer.replace("[dimension]", '[[field]]\nname = "note"\ntype = "text"\n\n[dimension]')
    after = changes.following(OURS, reading.parse(more, Path("contract.toml")))
    clauses = [each.clause for each in kept.missing(after, ROWS) if each.table == SUSPICIOUS]
    assert clauses == [
        "MODIFY COLUMN `device` VARCHAR(80) NOT NULL",
        "ADD COLUMN `note` VARCHAR(255)",
        f"ADD COLUMN {VERSION_COLUMN}",
    ]
