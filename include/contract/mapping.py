"""How Elasticsearch indexes the fields of a contract. Pure."""

from typing import Any, Final

from include.contract.model import Contract, Field
from include.contract.tables import VERSION

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
    """The properties of the mapping, by the names of the fields of all versions."""
    found = {field.name: _property(field) for field in contract.of_all_versions.fields}
    return found | ({VERSION: {"type": "integer"}} if contract.version > 1 else {})


def _property(field: Field) -> dict[str, Any]:
    found = {"type": _TYPES[field.type]}
    return found | {"format": "strict_date_optional_time"} if field.type == "timestamp" else found
