"""What an accounts export has, by the contract: its columns, and which values they take. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from include.contract import texts
from include.contract.model import Contract, Field
from include.contract.tables import column_type, quoted

Value = int | str
"""Of a key or an attribute, in the form that the rules compare."""

BETWEEN: Final = "\1"
"""Separates the attributes of a key in the text that the rules compare with: see jobs/judging/users.py."""

KEYS: Final = "utf8mb4_0900_bin"
"""The collation of keys that are texts: that of the tables takes `a` and `a ` for the same, the stream does not."""


@dataclass(frozen=True)
class Column:
    """A column of exports and of the history, which has values of a field of the logs."""

    name: str
    field: Field
    is_key: bool = False
    forbidden: str = "\0"
    """Characters that a text may not have."""

    @property
    def quoted(self) -> str:
        """Its name in SQL."""
        return quoted(self.name)

    @property
    def type(self) -> str:
        """Its type in SQL."""
        return column_type(self.field) + (f" COLLATE {KEYS}" if self.is_key and self.field.type == "text" else "")

    @property
    def wanted(self) -> str:
        """What a value must be."""
        if self.field.type in ("int32", "int64"):
            return f"a {self.field.type.removeprefix('int')}-bit integer"
        if self.field.type == "ip":
            return "an IP address"
        return f"1 to {self.field.most} characters without {' or '.join(map(_named, self.forbidden))}"

    def read(self, text: str) -> Value | None:
        """The value that the text says; None: it says none that the column takes."""
        if self.field.type in ("int32", "int64"):
            return texts.integer(self.field.type, text)
        if self.field.type == "ip":
            return texts.address(text)
        return text if 0 < len(text) <= self.field.most and not set(self.forbidden) & set(text) else None


@dataclass(frozen=True)
class Shape:
    """The columns of an export: the key, then the attributes."""

    key: Column
    attributes: tuple[Column, ...]
    subject: str
    """What a person calls what the key names, such as "account"."""
    words: str
    """What a person calls the attributes."""

    @classmethod
    def of(cls, contract: Contract) -> "Shape | None":
        """The shape of the exports; None: the contract has no dimension."""
        if (dimension := contract.dimension) is None:
            return None
        forbidden = "\0" if len(dimension.attributes) == 1 else f"\0{BETWEEN}"
        return cls(
            Column(dimension.column, contract.by_name[dimension.key], is_key=True),
            tuple(Column(each.column, contract.by_name[each.field], False, forbidden) for each in dimension.attributes),
            contract.label(dimension.key),
            " or ".join(contract.label(each.field) for each in dimension.attributes),
        )

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """All of them, in the order of the export."""
        return (self.key, *self.attributes)

    @property
    def header(self) -> str:
        """The first line of an export."""
        return ",".join(each.name for each in self.columns)

    def account(self, text: str) -> Value:
        """The key that a person has written. Raises ValueError if the column does not take it."""
        if (found := self.key.read(text)) is None:
            raise ValueError(f"{text[:200]!r} is no {self.subject}, which is {self.key.wanted}")
        return found

    def read(self, row: Sequence[str]) -> tuple[Value, ...] | None:
        """The values of a line; None: it is no account."""
        if len(row) != len(self.columns):
            return None
        found = [column.read(text) for column, text in zip(self.columns, row, strict=True)]
        values = tuple(each for each in found if each is not None)
        return values if len(values) == len(found) else None


def _named(character: str) -> str:
    return "NUL" if character == "\0" else f"U+{ord(character):04X}"
