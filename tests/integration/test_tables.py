"""MySQL has the tables and columns of the contract and of names.py."""

import pytest

from include import names
from include.contract import reading, tables
from include.contract.changing import kept
from include.settings import ROOT
from include.source import shipped
from jobs.database import Database
from jobs.driver import contracts as driver_contract
from tests.integration.stack import Stack

OURS = reading.load(ROOT / "contract.toml")
OTHER = reading.load(ROOT / "tests" / "contracts" / "contract.toml")


def columns(stack: Stack, database: str, table: str) -> dict[str, str]:
    """The type of each column of a table, by name and in order."""
    query = (
        "SELECT COLUMN_NAME, COLUMN_TYPE FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s"
    )
    return dict(stack.root_sql(query + " ORDER BY ORDINAL_POSITION", (database, table)))


@pytest.mark.parametrize("status", names.STATUSES)
def test_each_status_has_its_table_with_every_field(stack: Stack, status: str) -> None:
    table = columns(stack, names.LOGS_DATABASE, names.TABLES[status])
    assert tuple(table)[: len(shipped.FIELDS)] == shipped.FIELDS
    assert {table[field] for field in shipped.TEXT_FIELDS} == {f"varchar({shipped.MAX_TEXT})"}
    # Older servers add a width to integers.
    assert (table["account_id"].partition("(")[0], table["status"]) == ("int", f"enum('{status}')")
    others = {"status", "reasons", "received_at", "kafka_partition", "kafka_offset", "users_version", "revision"}
    assert set(table) - set(shipped.FIELDS) == others | ({"raw", "raw_size"} if status == names.BAD else set())


@pytest.mark.parametrize(
    ("database", "table", "column"),
    [
        (names.LOGS_DATABASE, names.PROGRESS_TABLE, "status_offset"),
        (names.LOGS_DATABASE, names.LEASE_TABLE, "heartbeat_at"),
        (names.USERS_DATABASE, names.USERS_TABLE, "user_device"),
        (names.USERS_DATABASE, names.HISTORY_TABLE, "valid_to"),
        (names.USERS_DATABASE, names.VERSION_TABLE, "version"),
        (names.USERS_DATABASE, names.CHANGES_TABLE, "first_day"),
        (names.USERS_DATABASE, names.LOADS_TABLE, "ds"),
    ],
)
def test_the_tables_of_progress_lease_and_users_exist(stack: Stack, database: str, table: str, column: str) -> None:
    assert column in columns(stack, database, table)


def test_bootstrap_brings_a_table_of_an_earlier_version_up_to_date(stack: Stack) -> None:
    place = (names.LOGS_DATABASE, names.CORRECTED_TABLE)
    before, added = columns(stack, *place), ("cause", "first_received_at", "last_received_at")
    stack.root_sql(f"ALTER TABLE logs.corrected {', '.join(f'DROP COLUMN {name}' for name in added)}")
    for _ in range(2):  # it may run again
        done = stack.run("airflow", "tasks", "test", "bootstrap", "make_tables")
        assert done.returncode == 0, done.stdout + done.stderr
        assert columns(stack, *place) == before


def test_the_stream_refuses_tables_of_another_contract(stack: Stack) -> None:
    database = Database.of(stack.settings)
    driver_contract.check(database, OURS)
    with pytest.raises(
        driver_contract.OtherContractError, match=r"another one is in effect: \./logsieve contract apply"
    ):
        driver_contract.check(database, OTHER)


def test_the_tables_of_any_contract_are_taken_for_its_own(stack: Stack) -> None:
    stack.root_sql("CREATE DATABASE of_another_contract")
    try:
        for status in names.STATUSES:
            stack.root_sql(tables.create(OTHER, status).replace(f"{names.LOGS_DATABASE}.", "of_another_contract."))
        rows = stack.root_sql(kept.COLUMNS.replace(f"'{names.LOGS_DATABASE}'", "'of_another_contract'"))
    finally:
        stack.root_sql("DROP DATABASE of_another_contract")
    assert {row[1] for row in rows} > set(OTHER.names)
    assert kept.difference(OTHER, rows) is None  # type: ignore[arg-type]
    assert "has no column event_id" in str(kept.difference(OURS, rows))  # type: ignore[arg-type]
