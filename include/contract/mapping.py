"""How Elasticsearch indexes the fields of a contract. Pure."""

from typing import Any, Final

from include.contract.model import Contract, Field

_TYPES: Final = {
    "text": "keyword",
    "int32": "integer",
    "int64": "long",
    "number": "double",
    "boolean": "boolean",
    "timestamp": "date",
    "ip": "ip",
}


def properties(contract: Contract) -> dict[str, Any]:
    """The properties of the mapping, by the fields' names."""
    return {field.name: _property(field) for field in contract.fields}


def _property(field: Field) -> dict[str, Any]:
    found = {"type": _TYPES[field.type]}
    return found | {"format": "strict_date_optional_time"} if field.type == "timestamp" else found
