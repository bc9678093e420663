"""A contract as a document, which is what its file says, and back. Pure."""

import hashlib
import json
from datetime import datetime, timedelta
from typing import Any, Final, get_args

from include.contract import reasons
from include.contract.model import (
    USUAL,
    Attribute,
    Contract,
    Dimension,
    Field,
    Kind,
    NotBefore,
    NotInFuture,
    OwnRule,
    RequiredWhen,
    Roles,
    Rule,
    Stored,
)

_KINDS: Final[dict[str, tuple[Kind, ...]]] = {
    "text": ("string",), "ip": ("string",), "iso8601": ("string",), "int32": ("number",), "int64": ("number",),
    "number": ("number",), "seconds": ("number",), "milliseconds": ("number",), "boolean": ("boolean",),
}  # fmt: skip
_EPOCH: Final = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


def of_document(document: dict[str, Any]) -> Contract:
    """The contract that a document of the right shape says; its meaning is not checked."""
    return Contract(
        tuple(_field(each) for each in document["field"]),
        tuple(_rule(each) for each in document.get("rule", [])),
        _dimension(document["dimension"]) if "dimension" in document else None,
        _roles(document.get("roles", {})),
        document.get("version", 1),
        tuple(_stored(each) for each in document.get("stored", [])),
    )


def to_document(contract: Contract) -> dict[str, Any]:
    """The document with all defaults stated. `of_document` returns the same contract.

    A version after the first also has `version` and `stored`, which no person writes.
    """
    dimension = contract.dimension
    found: dict[str, Any] = {"field": [_of_field(each) for each in contract.fields]}
    if contract.version > 1:
        found["version"] = contract.version
        found["stored"] = [_of_stored(each) for each in contract.later]
    if contract.rules:
        found["rule"] = [_of_rule(each) for each in contract.rules]
    if dimension:
        found["dimension"] = {
            "key": dimension.key,
            "column": dimension.column,
            "at": dimension.at,
            "unknown": "suspicious" if dimension.unknown else "good",
            **({"unknown_reason": dimension.unknown} if dimension.unknown else {}),
            "attribute": [vars(each) for each in dimension.attributes],
        }
    roles = {name: value for name, value in vars(contract.roles).items() if value}
    if contract.roles.labels:
        roles["labels"] = dict(contract.roles.labels)
    return found | {"roles": {name: list(at) if isinstance(at, tuple) else at for name, at in roles.items()}}


def canonical(contract: Contract) -> str:
    """The contract as JSON: equal contracts have equal texts."""
    return json.dumps(to_document(contract), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def digest(contract: Contract) -> str:
    """SHA-256 of the canonical JSON."""
    return hashlib.sha256(canonical(contract).encode()).hexdigest()


def milliseconds(text: str) -> int:
    """The time in milliseconds since 1970. Raises ValueError if the text has no time or no offset."""
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise ValueError("it has no offset, such as Z")
    return (time - _EPOCH) // timedelta(milliseconds=1)


def _field(given: dict[str, Any]) -> Field:
    kind, unit = given["type"], given.get("unit")
    form = unit or kind if kind == "timestamp" else kind
    path = given.get("path", [given["name"]])
    least, most = given.get("length", given.get("range", USUAL.get(form, (0, 0))))
    if unit == "iso8601":
        least, most = (milliseconds(each) if isinstance(each, str) else each for each in (least, most))
    return Field(
        name=given["name"],
        path=tuple(path.split(".") if isinstance(path, str) else path),
        type=kind,
        unit=unit,
        json=tuple(name for name in get_args(Kind) if name in given.get("json", _KINDS.get(form, ()))),
        required=given.get("required", True),
        null=given.get("null", False),
        least=least,
        most=most,
        one_of=tuple(given.get("one_of", ())),
        pattern=given.get("pattern"),
        examples=tuple(given.get("examples", ())),
    )


def _of_field(field: Field) -> dict[str, Any]:
    found: dict[str, Any] = {
        "name": field.name,
        "path": list(field.path),
        "type": field.type,
        "json": list(field.json),
        "required": field.required,
        "null": field.null,
    }
    if field.unit:
        found["unit"] = field.unit
    if field.type not in ("boolean", "ip"):
        found["length" if field.type == "text" else "range"] = [field.least, field.most]
    if field.one_of:
        found["one_of"] = list(field.one_of)
    if field.pattern is not None:
        found["pattern"] = field.pattern
    if field.examples:
        found["examples"] = list(field.examples)
    return found


def _stored(given: dict[str, Any]) -> Stored:
    return Stored(_field(given["field"]), given["since"], given.get("until"))


def _of_stored(stored: Stored) -> dict[str, Any]:
    until = {} if stored.until is None else {"until": stored.until}
    return {"field": _of_field(stored.field), "since": stored.since} | until


def _rule(given: dict[str, Any]) -> Rule:
    name = given["name"]
    if "not_before" in given:
        return NotBefore(name, **given["not_before"])
    if "not_in_future" in given:
        future = given["not_in_future"]
        return NotInFuture(name, future["field"], int(future["by_seconds"]))
    if "java" in given:
        own = given["java"]
        broken_by = tuple(sorted(own.get("broken_by", {}).items()))
        return OwnRule(name, own["class"], tuple(own["fields"]), own["says"], broken_by)
    when = given["required_when"]
    return RequiredWhen(name, when["field"], when["when_field"], when["is"])


def _of_rule(rule: Rule) -> dict[str, Any]:
    words = {name: value for name, value in vars(rule).items() if name != "name"}
    match rule:
        case NotBefore():
            return {"name": rule.name, "not_before": words}
        case NotInFuture():
            return {"name": rule.name, "not_in_future": words}
        case OwnRule():
            own = {"class": rule.java, "fields": list(rule.fields), "says": rule.says}
            return {"name": rule.name, "java": own | ({"broken_by": dict(rule.broken_by)} if rule.broken_by else {})}
        case RequiredWhen():
            words["is"] = words.pop("equals")
            return {"name": rule.name, "required_when": words}


def _dimension(given: dict[str, Any]) -> Dimension:
    key = given["key"]
    unknown = given.get("unknown_reason", reasons.unknown(key))
    return Dimension(
        key,
        given.get("column", key),
        given["at"],
        unknown if given.get("unknown", "suspicious") == "suspicious" else None,
        tuple(
            Attribute(
                each["field"], each.get("column", each["field"]), each.get("reason", reasons.unexpected(each["field"]))
            )
            for each in given["attribute"]
        ),
    )


def _roles(given: dict[str, Any]) -> Roles:
    lists = {name: tuple(given.get(name, ())) for name in ("filters", "tops")}
    return Roles(given.get("id"), given.get("time"), **lists, labels=tuple(sorted(given.get("labels", {}).items())))
