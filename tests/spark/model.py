"""A second implementation of docs/contract.md, in plain Python and independent of jobs/, for comparison."""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

TEXT = ("event_id", "event_type", "device", "location_country")
FIELDS = ("event_id", "account_id", "event_type", "device", "location_country", "event_timestamp")


class Number(str):
    """A JSON number as written."""


class _Refused(Exception):
    pass


def verdict(log: bytes | None, users: dict[int, str]) -> dict[str, Any]:
    """Returns the six fields, status and reasons that the log must get."""
    try:
        record = _object(log)
    except (_Refused, ValueError):
        return dict.fromkeys(FIELDS) | {"status": "bad", "reasons": ["not_json"]}
    fields: dict[str, Any] = {}
    reasons = []
    for field in FIELDS:
        fields[field], reason = _field(field, record)
        reasons += [reason] if reason else []
    if reasons:
        return fields | {"status": "bad", "reasons": reasons}
    if fields["account_id"] not in users:
        return fields | {"status": "suspicious", "reasons": ["unknown_account"]}
    if users[fields["account_id"]] != fields["device"]:
        return fields | {"status": "suspicious", "reasons": ["unexpected_device"]}
    return fields | {"status": "good", "reasons": []}


def _object(log: bytes | None) -> dict[str, Any]:
    def refuse(constant: str) -> None:
        raise _Refused(constant)

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        _no_surrogates(items)
        return dict(items)

    if log is None:
        raise _Refused
    value = json.loads(
        log.decode("utf-8"), object_pairs_hook=pairs, parse_constant=refuse, parse_int=Number, parse_float=Number
    )
    if not isinstance(value, dict):
        raise _Refused
    return value


def _no_surrogates(value: Any) -> None:
    if isinstance(value, str) and re.search("[\ud800-\udfff]", value):
        raise _Refused
    if isinstance(value, (list, tuple)):
        for item in value:
            _no_surrogates(item)


def _field(field: str, record: dict[str, Any]) -> tuple[Any, str | None]:
    if field not in record:
        return None, f"missing_{field}"
    value = record[field]
    if value is None:
        return None, f"null_{field}"
    if not isinstance(value, str):
        return None, f"invalid_{field}"
    if field in TEXT:
        if not value:
            return None, f"empty_{field}"
        return (str(value), None) if len(value) <= 64 else (None, f"too_long_{field}")
    least, most = (-(2**31), 2**31 - 1) if field == "account_id" else (0, 253_402_300_799)
    digits = re.fullmatch("[+-]?0*([0-9]{1,20})", value)  # more digits cannot be in range, and int() refuses thousands
    if not digits or not least <= int(value[0].strip("0123456789") + digits[1]) <= most:
        return None, f"invalid_{field}"
    if field == "account_id":
        return int(value), None
    return f"{datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=int(value)):%Y-%m-%dT%H:%M:%SZ}", None
