"""The reasons that a contract can give, and what each means. The words match jobs/java/logsieve/Rules.java. Pure."""

from collections.abc import Iterator
from typing import Final

from include.contract.model import USUAL, Contract, Field, NotBefore, NotInFuture, OwnRule, RequiredWhen, Rule

NOT_JSON: Final = "not_json"
UNREADABLE: Final = "unreadable"
"""Does not come from a rule: the log is too large to be judged, or cannot be read from Kafka."""

MOST_CHARACTERS: Final = 80
"""Longer is no reason: the longest name of a field, and what is before it."""

_KINDS: Final = {
    "int32": "a whole number of 32 bits",
    "int64": "a whole number of 64 bits",
    "number": "a number",
    "boolean": "true or false",
    "seconds": "whole seconds since 1970 up to the year 9999",
    "milliseconds": "whole milliseconds since 1970 up to the year 9999",
    "iso8601": "a time with an offset, such as 2021-04-29T19:28:30Z",
    "ip": "an IP address",
    "text": "text",
}


def missing(field: str) -> str:
    """Returns the reason for a log without the field."""
    return f"missing_{field}"


def null(field: str) -> str:
    """Returns the reason for a field that is JSON null."""
    return f"null_{field}"


def invalid(field: str) -> str:
    """Returns the reason for a field that has a wrong type, is not a number, or is out of range."""
    return f"invalid_{field}"


def empty(field: str) -> str:
    """Returns the reason for a text field that is the empty string."""
    return f"empty_{field}"


def too_short(field: str) -> str:
    """Returns the reason for a text field with fewer characters than it must have, but with some."""
    return f"too_short_{field}"


def too_long(field: str) -> str:
    """Returns the reason for a text field with more characters than it may have."""
    return f"too_long_{field}"


def not_allowed(field: str) -> str:
    """Returns the reason for a field that is none of the values it may be."""
    return f"not_allowed_{field}"


def no_match(field: str) -> str:
    """Returns the reason for a text field that does not match its pattern."""
    return f"no_match_{field}"


def unknown(key: str) -> str:
    """Returns the usual reason for a key that the dimension does not have."""
    return f"unknown_{key}"


def unexpected(field: str) -> str:
    """Returns the usual reason for a field that is not as the dimension has it."""
    return f"unexpected_{field}"


def of_bad_logs(contract: Contract) -> dict[str, str]:
    """What each reason of bad logs says about the log, by reason, in the order of the fields."""
    found = {
        NOT_JSON: "the bytes are not exactly one JSON object in UTF-8",
        UNREADABLE: "the log is too large to be judged, or cannot be read from Kafka",
    }
    for field in contract.fields:
        found |= of_field(field)
    return found | {rule.name: of_rule(rule) for rule in contract.rules}


def of_suspicious_logs(contract: Contract) -> dict[str, str]:
    """What each reason of suspicious logs says about the log, by reason."""
    if (dimension := contract.dimension) is None:
        return {}
    key = contract.label(dimension.key)
    found = {dimension.unknown: f"the {key} was not in the users dimension"} if dimension.unknown else {}
    for each in dimension.attributes:
        found[each.reason] = f"the {key} has another {contract.label(each.field)} in the users dimension"
    return found


def every(contract: Contract) -> dict[str, str]:
    """What each reason says about the log, by reason."""
    return of_bad_logs(contract) | of_suspicious_logs(contract)


def of_field(field: Field) -> dict[str, str]:
    """What each reason of the field says about the log, by reason."""
    return dict(_of_field(field))


def _of_field(field: Field) -> Iterator[tuple[str, str]]:
    name = field.name
    if field.required:
        yield missing(name), f"the object has no {'.'.join(field.path)}"
    if not field.null:
        yield null(name), f"{name} is null"
    yield invalid(name), f"{name} is not {_kind(field)}"
    if field.type == "text":
        if field.least > 0:
            yield empty(name), f"{name} is the empty string"
        if field.least > 1:
            yield too_short(name), f"{name} has fewer than {field.least} characters"
        yield too_long(name), f"{name} has more than {field.most} characters"
    if field.one_of:
        yield not_allowed(name), f"{name} is none of {', '.join(map(str, field.one_of))}"
    if field.pattern is not None:
        yield no_match(name), f"{name} does not match {field.pattern}"


def _kind(field: Field) -> str:
    kind = _KINDS[field.form]
    is_narrower = field.type != "text" and (field.least, field.most) != USUAL[field.form]
    return f"{kind} from {field.least} to {field.most}" if is_narrower else kind


def of_rule(rule: Rule) -> str:
    """What it says about a log that it breaks the rule."""
    match rule:
        case NotBefore():
            return f"{rule.field} is before {rule.than}"
        case NotInFuture():
            return f"{rule.field} is more than {rule.by_seconds} seconds after the log was received"
        case OwnRule():
            return rule.says
        case RequiredWhen():
            return f"{rule.field} has no value, but {rule.when_field} is {rule.equals}"
