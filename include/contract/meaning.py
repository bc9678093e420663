"""What a contract of the right shape may not say: names that collide, limits that no value meets, and so on. Pure."""

from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

from include.contract import limits, reasons, sizes
from include.contract.errors import Problem
from include.contract.lines import Place
from include.contract.model import Contract, Field, NotBefore, NotInFuture, OwnRule, RequiredWhen, Rule

TAKEN: Final = frozenset(
    {
        "status", "reasons", "origin", "received_at", "users_version", "revision", "raw", "raw_size",
        "kafka_partition", "kafka_offset", "contract_version",
    }
)  # fmt: skip
"""Names that the verdict itself has, as a message or as a row."""
_MARK: Final = "tags"
"""Logstash marks by it what it cannot use, so that the strict mapping refuses that."""
_KEYS: Final = ("int32", "int64", "text")
_COMPARED: Final = ("text", "int32", "int64", "ip")
_VALUES: Final = {"text": str, "ip": str, "int32": int, "int64": int, "boolean": bool, "number": float}
_OF_PERIODS: Final = ("valid_from", "valid_to", "seen_from")
_OF_CHANGES: Final = ("version", "first_day", "end_day")


def problems(document: dict[str, Any], contract: Contract) -> Iterator[Problem]:
    """Yields every mistake of the fields; without any, those of what names fields. `document`: what it was made of."""
    of_fields = [*_names(contract), *_paths(contract)]
    for place, (field, given) in enumerate(zip(contract.fields, document["field"], strict=True)):
        of_fields += limits.problems(("field", place), field, given)
    yield from of_fields
    if of_fields:
        return
    for place, rule in enumerate(contract.rules):
        yield from _rule(("rule", place), rule, contract)
    if contract.dimension:
        yield from _dimension(contract, document["dimension"])
    yield from _reasons(contract)
    yield from _roles(contract)
    yield from sizes.problems(contract)


def _names(contract: Contract) -> Iterator[Problem]:
    seen: set[str] = set()
    for place, name in enumerate(contract.names):
        if name in TAKEN:
            yield Problem(("field", place, "name"), f"{name} is a name of the verdict itself", "Choose another name")
        if name == _MARK:
            what = f"by {name} Logstash marks what is no verdict, and the index refuses it"
            yield Problem(("field", place, "name"), what, "Choose another name")
        if name in seen:
            yield Problem(("field", place, "name"), f"{name} is the name of two fields", "Rename one of them")
        seen.add(name)


def _paths(contract: Contract) -> Iterator[Problem]:
    seen: dict[tuple[str, ...], str] = {}
    for place, field in enumerate(contract.fields):
        for path, name in seen.items():
            shorter = min(path, field.path, key=len)
            if path[: len(shorter)] == field.path[: len(shorter)]:
                what = f"the path {'.'.join(field.path)} is that of {name}, or one is inside the other"
                yield Problem(("field", place, "path"), what, "A value is one field's: change a path")
        seen[field.path] = field.name


def _unknown(place: Place, name: str | None, contract: Contract) -> Iterator[Problem]:
    if name is not None and name not in contract.by_name:
        yield Problem(place, f"there is no field {name}", f"Name one of: {', '.join(contract.names)}")


def _rule(place: Place, rule: Rule, contract: Contract) -> Iterator[Problem]:
    kind, fields = _kind(rule)
    unknown = [each for name in fields for each in _unknown((*place, kind), name, contract)]
    yield from unknown
    if len(set(fields)) < len(fields):
        yield Problem((*place, kind), "a field is named twice", "Name each field once")
    if unknown:
        return
    found = [contract.by_name[name] for name in fields]
    if isinstance(rule, RequiredWhen):
        yield from _required_when((*place, kind), rule, *found)
    if isinstance(rule, OwnRule):
        yield from _own(place, rule, contract)
    for each in found:
        if isinstance(rule, NotBefore | NotInFuture) and each.type != "timestamp":
            yield Problem((*place, kind), f"{each.name} is no timestamp", "Name fields of the type timestamp")


def _kind(rule: Rule) -> tuple[str, tuple[str, ...]]:
    match rule:
        case NotBefore():
            return "not_before", (rule.field, rule.than)
        case NotInFuture():
            return "not_in_future", (rule.field,)
        case OwnRule():
            return "java", rule.fields
        case RequiredWhen():
            return "required_when", (rule.field, rule.when_field)


def _own(place: Place, rule: OwnRule, contract: Contract) -> Iterator[Problem]:
    at = (*place, "java", "broken_by")
    for name, value in rule.broken_by:
        if name not in rule.fields:
            yield Problem(at, f"{name} is no field of the rule", f"Name one of: {', '.join(rule.fields)}")
        else:
            yield from _comparable(at, contract.by_name[name], value, _VALUES)


def _required_when(place: Place, rule: RequiredWhen, field: Field, other: Field) -> Iterator[Problem]:
    if not field.is_nullable:
        yield Problem(place, f"{field.name} is required anyway", "Give the field required = false, or null = true")
    yield from _comparable(place, other, rule.equals, {name: _VALUES[name] for name in _VALUES if name != "number"})


def _comparable(place: Place, field: Field, value: object, types: dict[str, type]) -> Iterator[Problem]:
    if field.type not in types:
        yield Problem(place, f"{field.name} is a {field.type}", f"Compare one of the types {', '.join(types)}")
    elif type(value) is not types[field.type]:
        yield Problem(place, f"{field.name} can never be {value!r}", f"Write a value of the type {field.type}")


def _dimension(contract: Contract, given: dict[str, Any]) -> Iterator[Problem]:
    dimension = contract.dimension
    assert dimension is not None  # noqa: S101  # checked by the caller
    by_name = contract.by_name
    used: list[tuple[Place, str, tuple[str, ...]]] = [
        (("dimension", "key"), dimension.key, _KEYS),
        (("dimension", "at"), dimension.at, ("timestamp",)),
    ]
    used += [
        (("dimension", "attribute", place, "field"), each.field, _COMPARED)
        for place, each in enumerate(dimension.attributes)
    ]
    for place, name, types in used:
        yield from _unknown(place, name, contract)
        if name in by_name and by_name[name].type not in types:
            yield Problem(place, f"{name} is of the type {by_name[name].type}", f"Here it must be {' or '.join(types)}")
    if dimension.at in by_name and by_name[dimension.at].is_nullable:
        what = f"{dimension.at} may be absent or null, so there may be no time to look up"
        yield Problem(("dimension", "at"), what, "Give the field required = true and null = false")
    for place, name, _ in used:
        if name in by_name and by_name[name].may_be_empty:
            yield Problem(place, f"{name} may be the empty string", "Give the field a length of at least 1")
    counted = Counter(name for _, name, _ in used)
    for place, name, _ in used:
        if counted[name] > 1:
            yield Problem(place, f"{name} is named twice", "A field is the key, the time, or compared once")
    columns = Counter([dimension.column, *(each.column for each in dimension.attributes), *_OF_PERIODS])
    for name, count in columns.items():
        if count > 1:
            what = f"the column {name} is named twice, or is one of {', '.join(_OF_PERIODS)}"
            yield Problem(("dimension",), what, "Give each its own column")
    if dimension.column in _OF_CHANGES:
        what = f"the column {dimension.column} is one of {', '.join(_OF_CHANGES)}"
        yield Problem(("dimension", "column"), what, "Choose another name")
    if dimension.unknown is None and "unknown_reason" in given:
        what = 'unknown_reason has no use: unknown = "good"'
        yield Problem(("dimension", "unknown_reason"), what, "Remove one of the two")


def _reasons(contract: Contract) -> Iterator[Problem]:
    words = Counter([*reasons.of_bad_logs(contract), *reasons.of_suspicious_logs(contract)])
    of_fields = Counter(reasons.of_bad_logs(Contract(contract.fields)))
    names = Counter(rule.name for rule in contract.rules)
    for place, rule in enumerate(contract.rules):
        if names[rule.name] > 1 or of_fields[rule.name]:
            what = f"{rule.name} is the name of another rule, or the reason of a field"
            yield Problem(("rule", place, "name"), what, "A reason says which rule was broken: choose another name")
    dimension = contract.dimension
    suspicious = [*(each.reason for each in dimension.attributes), dimension.unknown] if dimension else []
    for word, count in Counter(suspicious).items():
        if word is not None and (count > 1 or words[word] > 1):
            yield Problem(("dimension",), f"the reason {word} is given twice", "Give each its own reason")


def _roles(contract: Contract) -> Iterator[Problem]:
    roles = contract.roles
    yield from _unknown(("roles", "id"), roles.id, contract)
    yield from _unknown(("roles", "time"), roles.time, contract)
    if roles.time in contract.by_name and contract.by_name[roles.time].type != "timestamp":
        yield Problem(("roles", "time"), f"{roles.time} is no timestamp", "Name a field of the type timestamp")
    for role, names in (("filters", roles.filters), ("tops", roles.tops)):
        for name in names:
            yield from _unknown(("roles", role), name, contract)
            if name in contract.by_name and contract.by_name[name].type == "timestamp":
                what = f"{name} is a timestamp: hardly two logs have the same"
                yield Problem(("roles", role), what, "Name fields of other types; every reader chooses a range of time")
    for name, _ in roles.labels:
        yield from _unknown(("roles", "labels"), name, contract)
