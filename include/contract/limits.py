"""What the limits of a field may be, by its type. Pure."""

import math
from collections.abc import Iterator
from typing import Any, Final

from include.contract import patterns, texts
from include.contract.errors import Problem
from include.contract.lines import Place
from include.contract.model import MOST_CHARACTERS, USUAL, Field

_USES: Final = {
    "unit": ("timestamp",),
    "length": ("text",),
    "range": ("int32", "int64", "number", "timestamp"),
    "one_of": ("text", "int32", "int64"),
    "pattern": ("text",),
    "examples": ("text", "int32", "int64", "number", "ip"),
}
_KINDS: Final = {
    "text": {"string", "number", "boolean"},
    "boolean": {"string", "boolean"},
    "ip": {"string"},
    "iso8601": {"string"},
}
_NUMBERS: Final = {"string", "number"}


def problems(place: Place, field: Field, given: dict[str, Any]) -> Iterator[Problem]:
    """Yields the mistakes of a field. `given`: its table in the file."""
    for word, types in _USES.items():
        if word in given and field.type not in types:
            yield Problem((*place, word), f"{word} does not apply to {field.type}", f"It does to {', '.join(types)}")
            return
    if field.type == "timestamp" and field.unit is None:
        yield Problem(place, "a timestamp has no unit", 'Add unit = "seconds", "milliseconds" or "iso8601"')
        return
    kinds = _KINDS.get(field.form, _NUMBERS)
    if wrong := [kind for kind in field.json if kind not in kinds]:
        what = f"a JSON {wrong[0]} is never {field.form}"
        yield Problem((*place, "json"), what, f"Take some of: {', '.join(sorted(kinds))}")
    yield from _range(place, field, given)
    yield from _one_of(place, field)
    if field.pattern is not None and (wrong_pattern := patterns.wrong(field.pattern)):
        yield Problem((*place, "pattern"), wrong_pattern, "Write it in the syntax of RE2")
        return
    yield from _examples(place, field)


def _range(place: Place, field: Field, given: dict[str, Any]) -> Iterator[Problem]:
    word = "length" if field.type == "text" else "range"
    if word not in given:
        return
    place = (*place, word)
    whole = all(type(each) is int for each in (field.least, field.most))
    if not whole and (field.type != "number" or not all(map(math.isfinite, (field.least, field.most)))):
        yield Problem(
            place, f"{word} is {given[word]}", "Write two finite numbers, whole ones unless the type is number"
        )
        return
    if field.least > field.most:
        yield Problem(place, f"{word} is {given[word]}: no value meets it", "Write the least first")
    least, most = (0, MOST_CHARACTERS) if field.type == "text" else USUAL[field.form]
    if field.least < least or field.most > most or (most == MOST_CHARACTERS and field.most < 1):
        yield Problem(place, f"{word} is {given[word]}", f"{word} of {field.form} is within [{least}, {most}]")


def _one_of(place: Place, field: Field) -> Iterator[Problem]:
    place = (*place, "one_of")
    kind = str if field.type == "text" else int
    for value in field.one_of:
        if type(value) is not kind:
            yield Problem(place, f"{value!r} is not {field.type}", f"Write values of the type {field.type}")
        elif not field.least <= (len(value) if isinstance(value, str) else value) <= field.most:
            yield Problem(place, f"{value!r} is outside the limits of the field", "Change the limits, or remove it")
    if len(set(field.one_of)) < len(field.one_of):
        yield Problem(place, "a value is there twice", "Remove one")


def _examples(place: Place, field: Field) -> Iterator[Problem]:
    """The generator chooses from them, so they must be good."""
    place = (*place, "examples")
    kinds = {"text": (str,), "ip": (str,), "number": (int, float)}.get(field.type, (int,))
    for value in field.examples:
        size = len(value) if isinstance(value, str) else value
        if type(value) not in kinds:
            yield Problem(place, f"{value!r} is not {field.type}", f"Write values of the type {field.type}")
        elif field.type == "ip" and texts.address(str(value)) != value:
            yield Problem(place, f"{value!r} is no address", "Write it as RFC 5952 does, such as 2001:db8::1")
        elif not field.least <= size <= field.most or (field.one_of and value not in field.one_of):
            yield Problem(place, f"{value!r} is no value of the field", "Change its limits, or remove it")
        elif field.pattern is not None and not patterns.matching(field.pattern, [str(value)])[0]:
            yield Problem(place, f"{value!r} does not match {field.pattern}", "Change the pattern, or remove it")
