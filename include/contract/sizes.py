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
MOST_KEY: Final = 700
"""Characters of a key of the dimension, which MySQL indexes together with a day."""
_COPIES: Final = 4
"""Of each attribute, in the widest row that a load of the dimension needs: see include/users/merging.py."""


def of(field: Field) -> int:
    """Bytes of the field's column in a row, at most."""
    if field.form in _BYTES:
        return _BYTES[field.form]
    most = int(field.most) * _CHARACTER
    return most + (1 if most < 256 else 2)


def problems(contract: Contract) -> Iterator[Problem]:
    """Yields a mistake if a row is too long, or the key of the dimension. What names no field is left to others."""
    yield from [*_of_logs(contract)] or _of_dimension(contract)


def _of_dimension(contract: Contract) -> Iterator[Problem]:
    if (dimension := contract.dimension) is None:
        return
    used = [dimension.key, *(each.field for each in dimension.attributes)]
    if not set(used) <= set(contract.names):
        return
    key, *attributes = (contract.by_name[name] for name in used)
    if key.type == "text" and key.most > MOST_KEY:
        what = f"{key.name} has up to {key.most:,} characters, MySQL can index {MOST_KEY} of a key"
        yield Problem(("dimension", "key"), what, "Shorten its length")
    total = _OWN + of(key) + _COPIES * sum(map(of, attributes))
    if total > MOST_ROW:
        what = f"a load needs rows of up to {total:,} bytes, MySQL takes {MOST_ROW:,}"
        yield Problem(("dimension", "attribute"), what, "Shorten the texts that are compared: each is there four times")


def _of_logs(contract: Contract) -> Iterator[Problem]:
    total = _OWN + sum(map(of, contract.fields))
    if total > MOST_ROW:
        longest = sorted(contract.fields, key=of, reverse=True)[:3]
        named = ", ".join(f"{each.name} {of(each):,}" for each in longest)
        what = f"a row has up to {total:,} bytes, MySQL takes {MOST_ROW:,}; the longest are {named}"
        place = ("field", contract.fields.index(longest[0]), "length")
        yield Problem(place, what, "Shorten texts: each character counts as 4 bytes")
