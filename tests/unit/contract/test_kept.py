"""The contract is held against the columns of the tables that exist."""

import re
from collections.abc import Callable

import pytest

from include.contract import kept, reading
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
        (changed("account_id", lambda row: (*row[:2], "bigint", 0, 1)), "account_id is bigint, and should be int"),
        (changed("device", lambda row: (*row[:3], 1, 0)), "device may be null"),
        ([*ROWS, (SUSPICIOUS, "browser", "text", 0, 1)], "its column browser is no field"),
    ],
)
def test_another_contract_is_named_with_its_remedy(found: list[Row], what: str) -> None:
    said = kept.difference(OURS, found) or ""
    assert re.match(rf"the table logs.suspicious_logs is of another contract: {what}\. Set LOGSIEVE_CONTRACT", said)


def test_a_column_of_the_users_own_that_may_stay_empty_is_no_difference() -> None:
    assert kept.difference(OURS, [*ROWS, (TABLES["good"], "note", "text", 1, 0)]) is None
