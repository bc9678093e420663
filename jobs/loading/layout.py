"""How the verdicts of a contract become rows: types, columns, and what MySQL makes of each cell."""

from dataclasses import dataclass
from functools import cache, cached_property
from typing import Final

import pyarrow as pa

from include import names
from include.contract import reading
from include.contract.model import Contract, Field
from include.contract.tables import VERSION, quoted

ALWAYS: Final = (
    "status", "reasons", "received_at", "kafka_partition", "kafka_offset", "users_version", "revision",
)  # fmt: skip
"""Columns that are never null; after them, that of the contract's version, if it is not the first."""
RAW_COLUMNS: Final = ("raw", "raw_size")
FILLED: Final = "="
"""Before each text of a field that may have no characters: an empty cell stands for null."""

_ORIGIN: Final = pa.struct([("kafka_partition", pa.int32()), ("kafka_offset", pa.int64())])
_TYPES: Final = {"int32": pa.int32(), "int64": pa.int64(), "number": pa.float64(), "boolean": pa.bool_()}
_DATE: Final = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d"
MILLISECONDS: Final = rf"^{_DATE}\.\d{{3}}Z$"
_SECONDS: Final = f"^{_DATE}Z$"


@dataclass(frozen=True)
class Layout:
    """The layout for a contract, whose fields are those of all versions (`current`)."""

    contract: Contract

    @property
    def versioned(self) -> tuple[str, ...]:
        """The column of the contract's version, if there is one."""
        return (VERSION,) if self.contract.version > 1 else ()

    @cached_property
    def schema(self) -> pa.Schema:
        """The types of a status message's members, in their order; times are text."""
        return pa.schema(
            [
                *((field.name, _TYPES.get(field.type, pa.string())) for field in self.contract.fields),
                ("status", pa.string()),
                ("reasons", pa.list_(pa.string())),
                ("origin", _ORIGIN),
                ("received_at", pa.string()),
                ("users_version", pa.int32()),
                ("revision", pa.int32()),
                *((name, pa.int32()) for name in self.versioned),
                ("raw", pa.string()),
                ("raw_size", pa.int32()),
            ]
        )

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The columns of all three tables, in the order of the CSV; in bad_logs, RAW_COLUMNS follow."""
        return (*self.contract.names, *ALWAYS, *self.versioned)

    @cached_property
    def times(self) -> dict[str, str]:
        """The pattern of each column with a time."""
        found = {
            field.name: _SECONDS if field.unit == "seconds" else MILLISECONDS
            for field in self.contract.of_type("timestamp")
        }
        return found | {"received_at": MILLISECONDS}

    @cached_property
    def loading(self) -> dict[str, str]:
        """By status, the columns of `LOAD DATA` for its table, and how it makes those that may be null."""
        return {status: self._loading(status) for status in names.STATUSES}

    def of(self, status: str) -> tuple[str, ...]:
        """The columns of the table of a status."""
        return (*self.columns, *RAW_COLUMNS) if status == names.BAD else self.columns

    def _loading(self, status: str) -> str:
        made = {
            field.name: _made(field)
            for field in self.contract.fields
            if status == names.BAD or field.is_nullable or field.may_be_empty
        }
        if status == names.BAD:
            # Raw may be empty, and has its size.
            made["raw"] = "IF(LENGTH(@`raw_size`) = 0, NULL, FROM_BASE64(@`raw`))"
            made["raw_size"] = "IF(LENGTH(@`raw_size`) = 0, NULL, @`raw_size`)"
        places = ", ".join(f"@{quoted(column)}" if column in made else quoted(column) for column in self.of(status))
        sets = ", ".join(f"{quoted(column)} = {value}" for column, value in made.items())
        # Without nulls, MySQL needs no variables.
        return f"({places}) SET {sets}" if sets else f"({places})"


def _made(field: Field) -> str:
    # LENGTH, because `= ''` is also true for text that the collation ignores, such as a single NUL.
    cell = f"@{quoted(field.name)}"
    text = f"SUBSTRING({cell}, {len(FILLED) + 1})" if field.may_be_empty else cell
    return f"IF(LENGTH({cell}) = 0, NULL, {text})"


@cache
def current() -> Layout:
    """The layout for the contract of this process."""
    return Layout(reading.current().of_all_versions)
