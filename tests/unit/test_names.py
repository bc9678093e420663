"""The SQL files and the index template have the same tables, columns and fields as names.py."""

import json
import re

import pytest

from include import names
from include.settings import ROOT

LOGS_SQL = (ROOT / "include" / "sql" / "logs.sql").read_text(encoding="utf-8")
USERS_SQL = (ROOT / "include" / "sql" / "dim_users.sql").read_text(encoding="utf-8")
TEMPLATE = json.loads((ROOT / "include" / "search" / "server-logs.json").read_text(encoding="utf-8"))
PROPERTIES = TEMPLATE["template"]["mappings"]["properties"]


def columns(sql: str, table: str) -> dict[str, str]:
    """Returns the type of each column of a table, by name."""
    found = re.search(rf"CREATE TABLE IF NOT EXISTS {re.escape(table)} \((.*?)\n\)", sql, re.DOTALL)
    assert found, f"no table {table}"
    lines = re.findall(r"^  (\w+) +(\w+(?:\([^)]*\))?)", found[1], re.MULTILINE)
    return {name: column_type for name, column_type in lines if name not in {"PRIMARY", "KEY"}}


@pytest.mark.parametrize("status", names.STATUSES)
def test_each_status_has_its_table_with_every_field(status: str):
    table = columns(LOGS_SQL, f"{names.LOGS_DATABASE}.{names.TABLES[status]}")

    assert tuple(table)[: len(names.FIELDS)] == names.FIELDS
    assert all(table[field] == f"VARCHAR({names.MAX_TEXT})" for field in names.TEXT_FIELDS)
    assert table["account_id"] == "INT"
    assert table["status"] == f"ENUM('{status}')"
    assert {"reasons", "received_at", "kafka_partition", "kafka_offset", "users_version", "revision"} <= set(table)
    assert ("raw" in table and "raw_size" in table) is (status == names.BAD)


def test_the_tables_of_progress_lease_and_users_exist():
    assert "status_offset" in columns(LOGS_SQL, f"{names.LOGS_DATABASE}.{names.PROGRESS_TABLE}")
    assert "heartbeat_at" in columns(LOGS_SQL, f"{names.LOGS_DATABASE}.{names.LEASE_TABLE}")
    assert list(columns(USERS_SQL, f"{names.USERS_DATABASE}.{names.USERS_TABLE}")) == ["account_no", "user_device"]


def test_the_history_has_periods_a_version_and_the_changes_of_each_version():
    for table, column in {
        names.HISTORY_TABLE: "valid_to",
        names.VERSION_TABLE: "version",
        names.CHANGES_TABLE: "first_day",
        names.LOADS_TABLE: "ds",
    }.items():
        assert column in columns(USERS_SQL, f"{names.USERS_DATABASE}.{table}")


def test_the_index_maps_the_status_message_and_nothing_else():
    assert TEMPLATE["index_patterns"] == [names.INDEX]
    assert TEMPLATE["template"]["mappings"]["dynamic"] == "strict"
    others = {"status", "reasons", "received_at", "origin", "users_version", "revision", "raw", "raw_size"}
    assert set(PROPERTIES) == {*names.FIELDS, *others}
    assert set(PROPERTIES["origin"]["properties"]) == {"kafka_partition", "kafka_offset"}
    assert all(PROPERTIES[field]["type"] == "keyword" for field in names.TEXT_FIELDS)
