"""Makes values of a contract's fields: good ones, at random, and how a log spells them. Pure."""

import math
import random
import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import orjson

from include.contract import texts
from include.contract.model import Field
from include.contract.patterns import matching
from include.source import patterns
from include.source.errors import NoValueError

Value = str | int | float | bool
Make = Callable[[random.Random], Value]

_NUMBER: Final = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_TRIES: Final = 300
_SAMPLES: Final = 100
_NEAR: Final = 1000
"""Numbers are at most so far from zero, or from the limit that is nearest to it."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def maker(field: Field, *, is_id: bool = False) -> Make:
    """Returns what makes good values of the field, which is no timestamp; an id is another one each time.

    Raises NoValueError.
    """
    if chosen := field.examples or _allowed(field):
        return lambda rng: rng.choice(chosen)
    match field.type:
        case "text":
            return _text(field, is_id=is_id)
        case "int32" | "int64":
            least, most = _near(field)
            return lambda rng: rng.randint(least, most)
        case "number":
            return lambda rng: _number(rng, field)
        case "boolean":
            return lambda rng: rng.random() < 0.5
        case _:
            return _address


def distinct(field: Field, count: int) -> tuple[Value, ...]:
    """Up to `count` different values of the field, always the same ones; at least one. Raises NoValueError."""
    if chosen := field.examples or _allowed(field):
        return tuple(dict.fromkeys(chosen))[:count]
    make, rng = maker(field), random.Random(field.name)  # noqa: S311  made-up data, no secrets
    found: dict[Value, None] = {}
    for _ in range(max(_TRIES, 4 * count)):
        found[make(rng)] = None
        if len(found) == count:
            break
    return tuple(each for each in found if each != "") or tuple(found)


def spelled(field: Field, value: Value, rng: random.Random) -> Any:
    """The value as orjson writes it into a log, in one of the kinds of JSON that the field takes."""
    kind = rng.choice(field.json) if len(field.json) > 1 else field.json[0]
    match field.form:
        case "text":
            return _text_as(field, str(value))
        case "iso8601":
            return iso8601(int(value))
        case "boolean":
            return ("true" if value else "false") if kind == "string" else value
        case "ip":
            return value
        case "seconds":
            return str(int(value) // 1000) if kind == "string" else int(value) // 1000
        case _:
            return str(value) if kind == "string" else value


def iso8601(milliseconds: int) -> str:
    """The time in UTC."""
    time = _EPOCH + timedelta(milliseconds=milliseconds)
    return f"{time:%Y-%m-%dT%H:%M:%S}.{milliseconds % 1000:03}Z"


def milliseconds(field: Field) -> tuple[int, int]:
    """The first and the last time that a timestamp may be, in milliseconds."""
    unit = 1000 if field.unit == "seconds" else 1
    return int(field.least) * unit, int(field.most) * unit


def is_writable(field: Field, text: str) -> bool:
    """Whether a log can have the text: a field that takes no strings has numbers or booleans."""
    of_number = "number" in field.json and _NUMBER.fullmatch(text) is not None
    return "string" in field.json or of_number or ("boolean" in field.json and text in ("true", "false"))


def _text_as(field: Field, text: str) -> Any:
    return text if "string" in field.json else orjson.Fragment(text.encode())


def _allowed(field: Field) -> tuple[Value, ...]:
    texts = [each for each in field.one_of if not isinstance(each, str) or is_writable(field, each)]
    if field.pattern is None or not texts:
        return tuple(texts)
    found = matching(field.pattern, list(map(str, texts)))
    return tuple(each for each, matches in zip(texts, found, strict=True) if matches)


def _text(field: Field, *, is_id: bool) -> Make:
    if field.pattern is not None:
        return _pattern(field)
    least, most = int(field.least), int(field.most)
    if "string" not in field.json:
        words = [each for each in ("true", "false") if "boolean" in field.json and least <= len(each) <= most]
        size = min(max(least, 6), most)
        if "number" in field.json:
            return lambda rng: f"{rng.randint(1, 9)}" + "".join(rng.choice("0123456789") for _ in range(size - 1))
        if not words:
            raise NoValueError(field, "neither true nor false has that length")
        return lambda rng: rng.choice(words)
    size = min(max(32 if is_id else 8, least), most)
    if is_id or not least <= len(field.name) + 3 <= most:
        return lambda rng: "".join(rng.choice("0123456789abcdef") for _ in range(size))
    return lambda rng: f"{field.name}-{rng.randint(1, 20):02}"


def _pattern(field: Field) -> Make:
    pattern, least, most = str(field.pattern), int(field.least), int(field.most)
    try:
        make = patterns.maker(pattern)
    except patterns.UnknownPatternError as error:
        raise NoValueError(field, f"of the pattern {pattern}, {error}") from None

    def fitting(rng: random.Random) -> str:
        for _ in range(_TRIES):
            text = make(rng, rng.choice((1, 4, 12, least, most)))
            if least <= len(text) <= most and is_writable(field, text):
                return text
        raise NoValueError(field, f"the pattern {pattern} hardly ever has the length [{least}, {most}]")

    rng = random.Random(pattern)  # noqa: S311  made-up data, no secrets
    samples = [fitting(rng) for _ in range(_SAMPLES)]
    found = matching(pattern, samples)
    if all(found):
        return fitting
    matched = [text for text, matches in zip(samples, found, strict=True) if matches]
    if not matched:
        raise NoValueError(field, f"texts that were made do not match the pattern {pattern}")
    return lambda rng: rng.choice(matched)


def _near(field: Field) -> tuple[int, int]:
    least, most = int(field.least), int(field.most)
    begin = least if least > 0 else min(0, most)
    begin = max(begin if most >= 0 else most - _NEAR, least)
    return begin, min(most, begin + _NEAR)


def _number(rng: random.Random, field: Field) -> float:
    begin = field.least if field.least > 0 else min(0.0, field.most)
    begin = max(begin if field.most >= 0 else field.most - _NEAR, field.least)
    end = min(field.most, begin + _NEAR)
    return float(min(max(round(rng.uniform(begin, end), 3), begin), end))


def _address(rng: random.Random) -> str:
    if rng.random() < 0.8:
        return f"192.0.2.{rng.randrange(256)}"
    return f"2001:db8::{rng.randrange(1, 2**16):x}"


def is_good(field: Field, value: Value) -> bool:
    """Whether it is a value of the field, which is a text, an integer, a boolean or an address."""
    if field.type == "boolean":
        return isinstance(value, bool)
    if field.one_of and value not in field.one_of:
        return False
    if isinstance(value, str):
        if field.type == "ip":
            return texts.address(value) == value
        fits = is_writable(field, value) and field.least <= len(value) <= field.most
        return fits and (field.pattern is None or matching(field.pattern, [value])[0])
    return field.least <= value <= field.most


def first_outside(candidates: Iterable[Any], taken: Iterable[Any]) -> Any:
    """The first candidate that is none of those; None: there is none."""
    known = set(taken)
    return next((each for each in candidates if each not in known), None)


def beyond(limit: float, step: int) -> Any:
    """A number beyond the limit, in the direction of the step."""
    if isinstance(limit, int):
        return limit + step
    return None if not math.isfinite(limit * 2 + step) else limit + step * max(1.0, abs(limit))
