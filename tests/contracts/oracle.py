"""A second implementation of contract.toml, in plain Python and independent of include/contract and jobs/."""

import ipaddress
import json
import math
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

FIELDS: dict[str, tuple[tuple[str, ...], bool, bool]] = {
    "request_id": (("request", "id"), True, False),
    "user_id": (("request", "user", "id"), True, False),
    "user_name": (("request", "user", "name"), False, True),
    "country": (("request", "user", "country"), True, False),
    "device": (("client", "device"), True, False),
    "address": (("client", "remote.address"), True, False),
    "method": (("method",), True, False),
    "status_code": (("response", "status"), True, False),
    "bytes_sent": (("response", "bytes"), False, False),
    "duration": (("response", "seconds"), True, False),
    "ratio": (("ratio",), False, True),
    "cached": (("cached",), True, False),
    "started_at": (("times", "start"), True, False),
    "ended_at": (("times", "end"), False, True),
    "order": (("times", "order"), False, False),
    "proxy": (("client", "proxy"), True, True),
}
"""Path, whether it is required, and whether null is taken."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LAST = 253_402_300_799
Users = dict[int, tuple[str, str]]
"""Device and country by user."""


class Broken(Exception):
    """A rule of form; its text is the beginning of the reason."""


class Number(str):
    """A JSON number as written."""


def verdict(log: bytes, received: int, users: Users) -> dict[str, Any]:
    """The fields, status and reasons of a log that is a JSON object."""
    document = json.loads(log, parse_int=Number, parse_float=Number)
    found: dict[str, Any] = {}
    times: dict[str, int] = {}
    reasons = []
    for name, (path, required, nullable) in FIELDS.items():
        found[name] = None
        try:
            value = _at(document, path)
            if value is None and not nullable:
                raise Broken("null")
            if value is not None:
                found[name] = RULES[name](value)
                if isinstance(found[name], tuple):
                    found[name], times[name] = found[name]
        except Broken as broken:
            if str(broken) != "missing" or required:
                reasons.append(f"{broken}_{name}")
    broken_names = {reason.split("_", 1)[1] for reason in reasons} | {reason.split("_", 2)[-1] for reason in reasons}
    if "ended_at" in times and "started_at" in times and times["ended_at"] < times["started_at"]:
        reasons.append("ended_before_it_started")
    if "started_at" in times and times["started_at"] > received + 60_000:
        reasons.append("started_in_future")
    if found["method"] == "POST" and found["bytes_sent"] is None and "bytes_sent" not in broken_names:
        reasons.append("posted_without_bytes")
    if reasons:
        return found | {"status": "bad", "reasons": reasons}
    if found["user_id"] not in users:
        reasons = ["unknown_user_id"]
    else:
        device, country = users[found["user_id"]]
        reasons += ["unexpected_device"] if found["device"] != device else []
        reasons += ["unusual_country"] if found["country"] != country else []
    return found | {"status": "suspicious" if reasons else "good", "reasons": reasons}


def _at(document: Any, path: tuple[str, ...]) -> Any:
    for step, name in enumerate(path):
        if document is None and step:
            return None
        if not isinstance(document, dict):
            raise Broken("invalid")
        if name not in document:
            raise Broken("missing")
        document = document[name]
    return document


def _text(value: Any, least: int, most: int, pattern: str = "(?s:.*)", kinds: tuple[type, ...] = ()) -> str:
    if isinstance(value, bool) and bool in kinds:
        value = "true" if value else "false"
    if not isinstance(value, str) or (isinstance(value, Number) and Number not in kinds):
        raise Broken("invalid")
    if len(value) < least:
        raise Broken("too_short" if value else "empty")
    if len(value) > most:
        raise Broken("too_long")
    if not re.fullmatch(pattern, value):
        raise Broken("no_match")
    return str(value)


def _country(value: Any) -> str:
    text = _text(value, 2, 2)
    import unicodedata

    if not all(unicodedata.category(letter) == "Lu" for letter in text):
        raise Broken("no_match")
    return text


def _method(value: Any) -> str:
    text = _text(value, 1, 255)
    if text not in ("GET", "POST", "PUT", "DELETE"):
        raise Broken("not_allowed")
    return text


def _integer(value: Any, least: int, most: int, *, of_text: bool = False) -> int:
    if not (isinstance(value, Number) or (of_text and isinstance(value, str))):
        raise Broken("invalid")
    if not re.fullmatch("[+-]?[0-9]+", value) or len(value.lstrip("+-0")) > 20 or not least <= int(value) <= most:
        raise Broken("invalid")
    return int(value)


def _status(value: Any) -> int:
    number = _integer(value, 100, 599)
    if number not in (200, 201, 301, 404, 500):
        raise Broken("not_allowed")
    return number


def _number(value: Any, least: float, most: float, *, of_text: bool = False) -> float:
    if not (isinstance(value, Number) or (of_text and isinstance(value, str))):
        raise Broken("invalid")
    if not re.fullmatch(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?", value):
        raise Broken("invalid")
    number = float(value)
    if not math.isfinite(number) or not least <= number <= most:
        raise Broken("invalid")
    return number + 0.0


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if type(value) is str and value in ("true", "false"):
        return value == "true"
    raise Broken("invalid")


def _iso(value: Any) -> tuple[str, int]:
    shape = r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt]([0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]+))?([Zz]|[+-][0-9]{2}:[0-9]{2})"
    match = re.fullmatch(shape, value) if type(value) is str else None
    if match is None:
        raise Broken("invalid")
    day, time, fraction, offset = match.groups()
    hours, minutes = (0, 0) if offset in "Zz" else (int(offset[1:3]), int(offset[4:]))
    if hours > 23 or minutes > 59:
        raise Broken("invalid")
    try:
        moment = datetime.fromisoformat(f"{day}T{time}+00:00")
    except ValueError:
        raise Broken("invalid") from None
    seconds = (moment - EPOCH) // timedelta(seconds=1) - (-1 if offset[0] == "-" else 1) * (hours * 3600 + minutes * 60)
    return _moment(seconds * 1000 + int(f"{fraction or ''}000"[:3]))


def _moment(milliseconds: int) -> tuple[str, int]:
    if not 0 <= milliseconds <= LAST * 1000 + 999:
        raise Broken("invalid")
    moment = EPOCH + timedelta(milliseconds=milliseconds)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{milliseconds % 1000:03}Z", milliseconds


def _seconds(value: Any) -> str:
    return f"{EPOCH + timedelta(seconds=_integer(value, 10**9, 4_102_444_800, of_text=True)):%Y-%m-%dT%H:%M:%SZ}"


def _ip(value: Any) -> str:
    if type(value) is not str or "%" in value or not value.isascii():
        raise Broken("invalid")
    try:
        address = ipaddress.ip_address(value)
    except ValueError:
        raise Broken("invalid") from None
    four = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return f"::ffff:{four}" if four else address.compressed


LARGEST = 1.7976931348623157e308
RULES: dict[str, Callable[[Any], Any]] = {
    "request_id": lambda value: _text(value, 8, 36, "[0-9a-f-]+"),
    "user_id": lambda value: _integer(value, -(2**63), 2**63 - 1, of_text=True),
    "user_name": lambda value: _text(value, 0, 20),
    "country": _country,
    "device": lambda value: _text(value, 1, 30, kinds=(bool, Number)),
    "address": _ip,
    "method": _method,
    "status_code": _status,
    "bytes_sent": lambda value: _integer(value, 0, 2**63 - 1),
    "duration": lambda value: _number(value, 0, 1000000.5),
    "ratio": lambda value: _number(value, -LARGEST, LARGEST, of_text=True),
    "cached": _boolean,
    "started_at": _iso,
    "ended_at": lambda value: _moment(_integer(value, 0, LAST * 1000 + 999)),
    "order": _seconds,
    "proxy": _ip,
}
