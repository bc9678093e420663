"""The tables of the users dimension, as a contract has them. Written by the DAG users_dimension. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from include.contract.changing import kept
from include.contract.model import Contract
from include.contract.tables import types
from include.names import (
    CHANGES_TABLE,
    HISTORY_TABLE,
    LOADS_TABLE,
    USERS_DATABASE,
    USERS_TABLE,
    VERSION_TABLE,
)
from include.users.shape import Shape

COLUMNS: Final = (
    "SELECT table_name, column_name, CAST(column_type AS CHAR)"
    f" FROM information_schema.columns WHERE table_schema = '{USERS_DATABASE}' ORDER BY table_name, ordinal_position"
)
"""Selects what `too_narrow` takes."""

_PERIOD: Final = (
    "valid_from DATE NOT NULL COMMENT 'UTC, the first day; 1970-01-01 in the first period of an account'",
    "valid_to DATE COMMENT 'UTC, the day after the last; null: still valid'",
    "seen_from DATE NOT NULL COMMENT 'the first day with such an export: valid_from, except in the first period'",
)
_VERSION: Final = (
    "id TINYINT NOT NULL DEFAULT 1 PRIMARY KEY",
    "version INT NOT NULL",
    "changed_at DATETIME(3) NOT NULL COMMENT 'UTC'",
)
_CHANGE: Final = (
    "version INT NOT NULL",
    "first_day DATE NOT NULL COMMENT 'UTC'",
    "end_day DATE COMMENT 'UTC, the day after the last; null: all later days'",
)
_LOAD: Final = (
    "ds DATE NOT NULL PRIMARY KEY COMMENT 'the day of the export'",
    "accounts INT NOT NULL COMMENT 'rows of the export'",
    "version INT NOT NULL COMMENT 'of the history, once it was loaded'",
    "loaded_at DATETIME(3) NOT NULL COMMENT 'UTC'",
)


def statements(contract: Contract, database: str = USERS_DATABASE) -> str:
    """Statements that create what does not exist: the database and its tables. Without a dimension there are none.

    - `users`, the current state: the accounts of the newest loaded day.
    - `users_history`: what each account had, by periods. It depends only on the loaded days, not on the order in which
      they were loaded. A day between two loaded days is like the earlier one, and an account's first period starts in
      1970. Periods of an account never overlap.
    - `users_version`, one row: the number of loads that changed the history. Each verdict contains the version that it
      was judged with.
    - `changes`: the days for which a version changed an account. Verdicts with an older version must be rejudged.
    - `loads`: the loaded exports, one row per day.
    """
    if (shape := Shape.of(contract)) is None:
        return ""
    keys = {HISTORY_TABLE: ("valid_from",), CHANGES_TABLE: ("version",)}
    made = [f"CREATE DATABASE IF NOT EXISTS {database} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;\n"]
    for name, lines in _tables(shape).items():
        key = [f"PRIMARY KEY ({', '.join((shape.key.quoted, *keys[name]))})"] if name in keys else []
        body = ",\n  ".join([*lines, *key])
        made.append(f"CREATE TABLE IF NOT EXISTS {database}.{name} (\n  {body}\n);\n")
    return "".join(made)


def columns(shape: Shape) -> dict[str, dict[str, str]]:
    """The columns of each table, with their types, in order."""
    return {name: types(lines) for name, lines in _tables(shape).items()}


def _tables(shape: Shape) -> dict[str, Sequence[str]]:
    of_export = [f"{each.quoted} {each.type} NOT NULL" for each in shape.columns]
    return {
        USERS_TABLE: [f"{of_export[0]} PRIMARY KEY", *of_export[1:]],
        HISTORY_TABLE: [*of_export, *_PERIOD],
        VERSION_TABLE: _VERSION,
        CHANGES_TABLE: [of_export[0], *_CHANGE],
        LOADS_TABLE: _LOAD,
    }


def too_narrow(contract: Contract, rows: Iterable[tuple[str, str, str]]) -> Iterator[tuple[str, str]]:
    """Yields the table of each column that cannot hold its field's values, and the clause of ALTER TABLE that mends it.

    `rows`: of COLUMNS.
    """
    shape = Shape.of(contract.of_all_versions)
    columns = {each.name: each for each in shape.columns} if shape else {}
    for table, name, found in rows:
        if (column := columns.get(name)) and not kept.holds(found, column.field):
            yield table, f"MODIFY COLUMN {column.quoted} {column.type} NOT NULL"
