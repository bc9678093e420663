"""The contract as the rules in Java read it: the text of contract.properties in their jar. Pure."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from include.contract.model import Contract, Field, NotBefore, NotInFuture, OwnRule, RequiredWhen, Rule

NAME: Final = "logsieve/contract.properties"
"""Its path in the jar: jobs/java/logsieve/Contract.java reads it."""

_NOT_PLAIN: Final = re.compile(r"[\\\n\r\t\f]|^ ")


def properties(contract: Contract) -> str:
    """The text, in the syntax of java.util.Properties and in UTF-8; equal contracts have equal texts."""
    return "".join(f"{name} = {_escaped(value)}\n" for name, value in _pairs(contract))


def _pairs(contract: Contract) -> Iterator[tuple[str, str]]:
    yield "fields", str(len(contract.fields))
    for place, field in enumerate(contract.fields):
        yield from _field(f"field.{place}.", field)
    if contract.version > 1:
        yield "version", str(contract.version)
        for place, stored in enumerate(contract.of_all_versions.fields[: len(contract.fields)]):
            yield f"field.{place}.stored_least", str(stored.least)
            yield f"field.{place}.stored_most", str(stored.most)
    yield "rules", str(len(contract.rules))
    for place, rule in enumerate(contract.rules):
        yield from _rule(f"rule.{place}.", rule)
    if (dimension := contract.dimension) is None:
        return
    yield "dimension.key", dimension.key
    yield "dimension.at", dimension.at
    if dimension.unknown:
        yield "dimension.unknown", dimension.unknown
    yield "attributes", str(len(dimension.attributes))
    for place, each in enumerate(dimension.attributes):
        yield f"attribute.{place}.field", each.field
        yield f"attribute.{place}.reason", each.reason


def _field(at: str, field: Field) -> Iterator[tuple[str, str]]:
    yield f"{at}name", field.name
    yield f"{at}type", field.form
    yield from _list(f"{at}path", field.path)
    yield from _list(f"{at}json", field.json)
    yield f"{at}required", _word(field.required)
    yield f"{at}null", _word(field.null)
    yield f"{at}least", str(field.least)
    yield f"{at}most", str(field.most)
    yield from _list(f"{at}one_of", field.one_of)
    if field.pattern is not None:
        yield f"{at}pattern", field.pattern


def _list(at: str, values: Sequence[str | int]) -> Iterator[tuple[str, str]]:
    yield from ((f"{at}.{place}", str(value)) for place, value in enumerate(values))


def _rule(at: str, rule: Rule) -> Iterator[tuple[str, str]]:
    yield f"{at}name", rule.name
    match rule:
        case NotBefore():
            yield f"{at}kind", "not_before"
            yield f"{at}field", rule.field
            yield f"{at}than", rule.than
        case NotInFuture():
            yield f"{at}kind", "not_in_future"
            yield f"{at}field", rule.field
            yield f"{at}milliseconds", str(rule.by_seconds * 1000)
        case OwnRule():
            yield f"{at}kind", "java"
            yield f"{at}class", rule.java
            yield from _list(f"{at}fields", rule.fields)
        case RequiredWhen():
            yield f"{at}kind", "required_when"
            yield f"{at}field", rule.field
            yield f"{at}when_field", rule.when_field
            yield f"{at}is", _word(rule.equals) if isinstance(rule.equals, bool) else str(rule.equals)


def _word(value: bool) -> str:
    return "true" if value else "false"


def _escaped(value: str) -> str:
    names = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\f": "\\f", " ": "\\ "}
    return _NOT_PLAIN.sub(lambda found: names[found[0]], value)
