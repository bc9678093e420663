"""Whether the rows and documents of a contract fit into MySQL and Elasticsearch, computed as MySQL does. Pure."""

from collections.abc import Iterator
from typing import Final

from include.contract.errors import Problem
from include.contract.model import Contract, Field

MOST_ROW: Final = 65_535
"""Bytes of a row, of which MySQL counts texts at their longest."""
_OWN: Final = 120
"""Bytes of the columns that every table has, beside its fields."""
_BYTES: Final = {"int32": 4, "int64": 8, "number": 8, "boolean": 1, "seconds": 5, "milliseconds": 7, "iso8601": 7}
_CHARACTER: Final = 4


def of(field: Field) -> int:
    """Bytes of the field's column in a row, at most."""
    if field.form in _BYTES:
        return _BYTES[field.form]
    most = int(field.most) * _CHARACTER
    return most + (1 if most < 256 else 2)


def problems(contract: Contract) -> Iterator[Problem]:
    """Yields a mistake if a row is too long."""
    total = _OWN + sum(map(of, contract.fields))
    if total > MOST_ROW:
        longest = sorted(contract.fields, key=of, reverse=True)[:3]
        named = ", ".join(f"{each.name} {of(each):,}" for each in longest)
        what = f"a row has up to {total:,} bytes, MySQL takes {MOST_ROW:,}; the longest are {named}"
        place = ("field", contract.fields.index(longest[0]), "length")
        yield Problem(place, what, "Shorten texts: each character counts as 4 bytes")
