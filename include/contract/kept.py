"""Whether the tables of verdicts that exist were created for a contract: rows of another one fit into none. Pure."""

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

from include.contract.meaning import TAKEN
from include.contract.model import Contract, Field
from include.contract.tables import column_type
from include.names import BAD, LOGS_DATABASE, STATUSES, TABLES

COLUMNS: Final = (
    "SELECT table_name, column_name, CAST(column_type AS CHAR), is_nullable = 'YES',"
    " is_nullable = 'NO' AND column_default IS NULL AND extra = ''"
    f" FROM information_schema.columns WHERE table_schema = '{LOGS_DATABASE}' ORDER BY table_name, ordinal_position"
)
"""Selects what `difference` takes."""
REMEDY: Final = (
    "Set LOGSIEVE_CONTRACT to the contract that they were created for, or remove all data with ./logsieve up --fresh"
)
_WIDTH: Final = re.compile(r"(?<=int)\(\d+\)")
_SHOWN: Final = {"BOOLEAN": "tinyint"}


class Column(NamedTuple):
    """A column of a table. `needs_value`: an INSERT without it fails."""

    table: str
    name: str
    type: str
    is_nullable: bool
    needs_value: bool


def difference(contract: Contract, rows: Iterable[tuple[str, str, str, int, int]]) -> str | None:
    """The first difference between the tables and the contract, as a sentence with its remedy; None: there is none.

    `rows`: of COLUMNS. A table that does not exist is no difference, nor is a column that may stay empty.
    """
    columns = [Column(*row[:3], *map(bool, row[3:])) for row in rows]
    for status in STATUSES:
        found = {each.name: each for each in columns if each.table == TABLES[status]}
        for what in _of_table(contract, status, found) if found else ():
            return f"the table {LOGS_DATABASE}.{TABLES[status]} is of another contract: {what}. {REMEDY}"
    return None


def _of_table(contract: Contract, status: str, found: dict[str, Column]) -> Iterable[str]:
    for field in contract.fields:
        if (column := found.get(field.name)) is None:
            yield f"it has no column {field.name}"
        elif (is_type := _WIDTH.sub("", column.type)) != (wanted := _type(field)):
            yield f"{field.name} is {is_type}, and should be {wanted}"
        elif column.is_nullable != (status == BAD or field.is_nullable):
            yield f"{field.name} may {'' if column.is_nullable else 'not '}be null"
    for name, column in found.items():
        if column.needs_value and name not in TAKEN | set(contract.names):
            yield f"its column {name} is no field"


def _type(field: Field) -> str:
    """The field's type as information_schema shows it, without the widths that older servers give to integers."""
    name = column_type(field)
    return _SHOWN.get(name, name.lower())
