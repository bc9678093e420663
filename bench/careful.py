"""The slow half of the hand-written rules, which most logs do not need. Pure."""

import json
import re
from typing import Any

import orjson

from include.contract import reasons
from include.source import shipped

NOT_JSON = (ValueError, RecursionError)
INT32 = (-(2**31), 2**31 - 1)

# At most as many digits as can be in range: int() refuses text with thousands of digits.
_INTEGER = re.compile("([+-]?)0*([0-9]{1,12})")
_SURROGATE = re.compile("[\\ud800-\\udfff]")
_NUMBERS = (int, float)


class _Number(str):
    """A JSON number as written."""


def record(value: bytes | None) -> dict[str, Any]:
    """Parses a log as one strict JSON object that keeps numbers as written. Raises one of NOT_JSON if it is not one.

    Uses the fast library where its result is enough: it does not keep how a number was written.
    """
    try:
        found = orjson.loads(value or b"")
    except ValueError:
        return _strictly(value)
    if not isinstance(found, dict):
        raise ValueError("not an object")
    if any(found.get(field).__class__ in _NUMBERS for field in shipped.FIELDS):
        return _strictly(value)
    return found


def _strictly(value: bytes | None) -> dict[str, Any]:
    def refuse(constant: str) -> None:
        raise ValueError(constant)

    if value is None:
        raise ValueError("a tombstone")
    text = value.decode()
    record = json.loads(text, parse_constant=refuse, parse_int=_Number, parse_float=_Number)
    if not isinstance(record, dict):
        raise ValueError("not an object")
    if "\\u" in text and _SURROGATE.search(json.dumps(record, ensure_ascii=False)):
        raise ValueError("half a surrogate pair")
    return record


def field(name: str, record: dict[str, Any]) -> tuple[Any, str | None]:
    """Returns the field's value and the rule that it breaks; one of them is None."""
    if name not in record:
        return None, reasons.missing(name)
    value = record[name]
    if value is None:
        return None, reasons.null(name)
    if not isinstance(value, str):
        return None, reasons.invalid(name)
    if name in shipped.TEXT_FIELDS:
        if not value:
            return None, reasons.empty(name)
        return (str(value), None) if len(value) <= shipped.MAX_TEXT else (None, reasons.too_long(name))
    number = _INTEGER.fullmatch(value)
    least, most = INT32 if name == "account_id" else (0, shipped.MAX_TIMESTAMP)
    if not number or not least <= int(number[1] + number[2]) <= most:
        return None, reasons.invalid(name)
    return int(number[1] + number[2]), None
