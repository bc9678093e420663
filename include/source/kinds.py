"""Ways to break a field of a contract: the expected reason, and JSON values that are wrong for it. Pure."""

from collections.abc import Iterator
from typing import Any, Final

import orjson

from include.contract import reasons
from include.contract.model import LARGEST, USUAL, Field
from include.contract.patterns import matching
from include.source import values

_SHAPES: Final[dict[str, tuple[Any, ...]]] = {"object": ({}, {"a": 1}), "array": ([], ["a"])}
_OF_KINDS: Final[dict[str, tuple[Any, ...]]] = {
    "boolean": (True, False), "number": (684, 684.5), "string": ("684", "true"),
}  # fmt: skip
_WRONG_TEXTS: Final = {
    "int32": ("abc", "", "12x", "1e3"), "int64": ("abc", "", "12x", "1e3"), "seconds": ("abc", "", "12x"),
    "milliseconds": ("abc", "", "12x"), "number": ("abc", "", "NaN", "0x10"), "boolean": ("True", "yes", ""),
    "iso8601": ("soon", "", "2026-11-23T01:02:03", "2026-02-30T01:02:03Z"),
    "ip": ("1.2.3", "", "1.2.3.04", "fe80::1%eth0"),
}  # fmt: skip
_LETTERS: Final = "x!X0 -éa"
"""Texts of one of them are candidates for what does not match."""
_MUCH: Final = orjson.Fragment(b"1" + b"0" * 30)

Kind = tuple[str, str, tuple[Any, ...]]
"""Its name, the reason, and the wrong values; of `missing_…` none."""


def of_field(field: Field) -> Iterator[Kind]:
    """Each way to break the field."""
    name = field.name
    if field.required:
        yield f"missing_{name}", reasons.missing(name), ()
    if not field.null:
        yield f"null_{name}", reasons.null(name), (None,)
    for kind, wrong in _invalid(field):
        if found := tuple(each for each in wrong if each is not None):
            yield f"{kind}_{name}", reasons.invalid(name), found
    if field.type == "text":
        for kind, reason, text in _wrong_texts(field):
            yield f"{kind}_{name}", reason, (_spelled(field, text),)
    elif field.one_of:
        candidates = (*range(int(field.least), int(field.least) + len(field.one_of) + 1), int(field.most))
        inside = [each for each in candidates if each <= field.most]
        if (other := values.first_outside(inside, field.one_of)) is not None:
            yield f"not_allowed_{name}", reasons.not_allowed(name), (_as_number(field, other),)


def _invalid(field: Field) -> Iterator[tuple[str, tuple[Any, ...]]]:
    yield from _SHAPES.items()
    yield from ((kind, wrong) for kind, wrong in _OF_KINDS.items() if kind not in field.json)
    if field.type == "text":
        return
    if "string" in field.json:
        yield "text", _WRONG_TEXTS[field.form]
    if field.form == "iso8601":
        least, most = values.milliseconds(field)
        usual = USUAL[field.form]
        yield "below", (values.iso8601(least - 1) if least > usual[0] else "1969-12-31T23:59:59Z",)
        yield "above", (values.iso8601(most + 1) if most < usual[1] else None,)
    elif field.type not in ("boolean", "ip"):
        yield "fraction", (_as_number(field, 684.5) if field.type != "number" else None,)
        yield "below", (_as_number(field, values.beyond(field.least, -1)),)
        beyond = orjson.Fragment(b"1e400") if field.most == LARGEST else values.beyond(field.most, 1)
        yield "above", (_as_number(field, beyond), _MUCH if "number" in field.json and field.type != "number" else None)


def _as_number(field: Field, value: Any) -> Any:
    """The number in a kind that the field takes."""
    if value is None:
        return None
    if "number" in field.json:
        # orjson writes whole numbers of 64 bits only.
        return orjson.Fragment(str(value).encode()) if isinstance(value, int) else value
    return "1e400" if isinstance(value, orjson.Fragment) else str(value)


def _wrong_texts(field: Field) -> Iterator[tuple[str, str, str]]:
    name, least, most = field.name, int(field.least), int(field.most)
    has_strings = "string" in field.json
    letter = "x" if has_strings else "1"
    if least > 0 and has_strings:
        yield "empty", reasons.empty(name), ""
    if has_strings or "number" in field.json:
        if least > 1:
            yield "too_short", reasons.too_short(name), letter * (least - 1)
        yield "too_long", reasons.too_long(name), letter * (most + 1)
        if has_strings:
            yield "much_too_long", reasons.too_long(name), "é" * (most + 136)
    candidates = [each * size for each in _LETTERS for size in {max(least, 1), most, min(max(least, 8), most)}]
    fitting = [each for each in candidates if values.is_writable(field, each)]
    if field.one_of and (other := values.first_outside(fitting, field.one_of)) is not None:
        yield "not_allowed", reasons.not_allowed(name), other
    if field.pattern is not None:
        fitting = [each for each in map(str, field.one_of) if values.is_writable(field, each)] or fitting
        found = matching(field.pattern, fitting)
        others = [each for each, matches in zip(fitting, found, strict=True) if not matches]
        if others:
            yield "no_match", reasons.no_match(name), others[0]


def _spelled(field: Field, text: str) -> Any:
    return text if "string" in field.json else orjson.Fragment(text.encode())
