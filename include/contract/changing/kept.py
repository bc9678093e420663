"""Whether the tables of verdicts that exist can hold the rows of a contract, and how they are altered until they can.

Pure. A column may be wider than the contract needs: rows of other versions of it are in the same table.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from include.contract.meaning import TAKEN
from include.contract.model import Contract, Field
from include.contract.tables import VERSION, VERSION_COLUMN, column, column_type
from include.names import BAD, LOGS_DATABASE, STATUSES, TABLES

COLUMNS: Final = (
    "SELECT table_name, column_name, CAST(column_type AS CHAR), is_nullable = 'YES',"
    " is_nullable = 'NO' AND column_default IS NULL AND extra = ''"
    f" FROM information_schema.columns WHERE table_schema = '{LOGS_DATABASE}' ORDER BY table_name, ordinal_position"
)
"""Selects what `difference` and `alterations` take."""
REMEDY: Final = (
    "Set LOGSIEVE_CONTRACT to the contract that they were created for, or remove all data with ./logsieve up --fresh"
)
_WIDTH: Final = re.compile(r"(?<=int)\(\d+\)")
_TEXT: Final = re.compile(r"varchar\((\d+)\)")
_SHOWN: Final = {"BOOLEAN": "tinyint"}
_ALSO: Final = {"int": ("bigint",), "datetime": ("datetime(3)",)}
"""Types that hold all values of another."""

Row = tuple[str, str, str, int, int]


class Column(NamedTuple):
    """A column of a table. `needs_value`: an INSERT without it fails."""

    table: str
    name: str
    type: str
    is_nullable: bool
    needs_value: bool


class Missing(NamedTuple):
    """What a table lacks: in words, and as a clause of ALTER TABLE; None: it cannot be altered so."""

    table: str
    what: str
    clause: str | None


def difference(contract: Contract, rows: Iterable[Row]) -> str | None:
    """The first reason why the tables cannot hold the contract's rows, as a sentence with its remedy; None: there is
    none.

    `rows`: of COLUMNS. A table that does not exist is no difference, nor is a column that may stay empty.
    """
    for found in missing(contract, rows):
        return f"the table {LOGS_DATABASE}.{found.table} is of another contract: {found.what}. {REMEDY}"
    return None


def missing(contract: Contract, rows: Iterable[Row]) -> Iterator[Missing]:
    """Yields everything that the tables lack, table by table. `rows`: of COLUMNS."""
    contract = contract.of_all_versions
    columns = [Column(*row[:3], *map(bool, row[3:])) for row in rows]
    for status in STATUSES:
        if found := {each.name: each for each in columns if each.table == TABLES[status]}:
            yield from (Missing(TABLES[status], *each) for each in _of_table(contract, status, found))


def _of_table(contract: Contract, status: str, found: dict[str, Column]) -> Iterator[tuple[str, str | None]]:
    for field in contract.fields:
        made = column(field, status)
        if (there := found.get(field.name)) is None:
            yield f"it has no column {field.name}", f"ADD COLUMN {made}"
        elif not holds(there.type, field):
            is_type = _WIDTH.sub("", there.type)
            yield f"{field.name} is {is_type}, and should be {_type(field)}", f"MODIFY COLUMN {made}"
        elif not there.is_nullable and (status == BAD or field.is_nullable):
            yield f"{field.name} may not be null", f"MODIFY COLUMN {made}"
    if contract.version > 1 and VERSION not in found:
        yield f"it has no column {VERSION}", f"ADD COLUMN {VERSION_COLUMN}"
    for name, there in found.items():
        if there.needs_value and name not in TAKEN | set(contract.names):
            yield f"its column {name} is no field", None


def holds(found: str, field: Field) -> bool:
    """Whether a column of this type, as information_schema shows it, holds all values of the field."""
    found, wanted = _WIDTH.sub("", found), _type(field)
    if (is_text := _TEXT.fullmatch(found)) and (needed := _TEXT.fullmatch(wanted)):
        return int(is_text[1]) >= int(needed[1])
    return found == wanted or found in _ALSO.get(wanted, ())


def _type(field: Field) -> str:
    """The field's type as information_schema shows it, without the widths that older servers give to integers."""
    name = column_type(field)
    return _SHOWN.get(name, name.lower())
