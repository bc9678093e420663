"""Values of the contract's fields: read from parameters of the page, and as the page gets them in JSON. Pure.

A browser takes every number for one of 64 bits with a fraction, so the page gets an `int64` as text.
"""

import math
import re
from datetime import datetime
from typing import Any, Final

from include.contract import texts
from include.contract.model import Field

LONGEST: Final = 1000
"""Characters of a value that can be filtered by, so that an address can hold some."""

Value = str | int | float | bool

_NUMBER: Final = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?", re.ASCII)
_KINDS: Final = {
    "text": f"a text of at most {LONGEST:,} characters",
    "int32": "a whole number of 32 bits",
    "int64": "a whole number of 64 bits",
    "number": "a number",
    "boolean": "true or false",
    "ip": "an IP address",
}


class WrongValueError(ValueError):
    """The text is no value of the field; the message says what would be one."""


def parse(field: Field, text: str) -> Value:
    """The value that the text means, whatever its limits: those of earlier logs may have been others.

    Raises WrongValueError. No field of the type timestamp is filtered by.
    """
    value = _parsed(field, text) if len(text) <= LONGEST else None
    if value is None:
        raise WrongValueError(f"{field.name}: a value is not {_KINDS[field.type]}.")
    return value


def _parsed(field: Field, text: str) -> Value | None:
    match field.type:
        case "int32" | "int64":
            return texts.integer(field.type, text)
        case "number":
            number = float(text) if _NUMBER.fullmatch(text) else math.inf
            return number + 0.0 if math.isfinite(number) else None
        case "boolean":
            return {"true": True, "false": False}.get(text)
        case "ip":
            return texts.address(text)
        case _:
            return text


def of_document(field: Field, value: Any) -> Any:
    """The value in a document, as the page gets it."""
    return str(value) if field.type == "int64" and value is not None else value


def of_row(field: Field, value: Any) -> Any:
    """The value of a column as MySQL's client returns it, in the form of `of_document`."""
    if value is None:
        return None
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds" if field.unit == "seconds" else "milliseconds") + "Z"
    return bool(value) if field.type == "boolean" else of_document(field, value)


def of_bucket(field: Field, bucket: dict[str, Any]) -> Any:
    """The value that a bucket of Elasticsearch's counts, in the form of `of_document`."""
    return bool(bucket["key"]) if field.type == "boolean" else of_document(field, bucket["key"])
