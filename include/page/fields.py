"""Which fields of the contract the page filters, counts and searches by, and what its table shows. Pure."""

from typing import Any, Final

from include.contract.model import Contract, Field
from include.page.values import LONGEST

OWN: Final = frozenset({"status", "reason", "from", "to", "search", "size", "before", "range", "log"})
"""Parameters of the page itself: of its requests (plugins/page/routes.py) and its address (static/filters.js)."""
SHORTEST_SEARCH: Final = 64
"""Characters that the search takes, or more if a field that it looks into may have more."""


def listed(contract: Contract) -> tuple[Field, ...]:
    """The fields that the page filters by, and whose most frequent values it lists: the tops, then other filters."""
    names = dict.fromkeys((*contract.roles.tops, *contract.roles.filters))
    return tuple(contract.by_name[name] for name in names)


def sought(contract: Contract) -> tuple[Field, ...]:
    """The fields that the search looks into: the event's id and the key of the dimension."""
    key = contract.dimension.key if contract.dimension else None
    names = dict.fromkeys((contract.roles.id, key))
    return tuple(contract.by_name[name] for name in names if name and contract.by_name[name].type != "timestamp")


def longest_search(contract: Contract) -> int:
    """Characters that the search takes."""
    texts = [int(field.most) for field in sought(contract) if field.type == "text"]
    return min(max(SHORTEST_SEARCH, *texts, 0), LONGEST)


def parameter(field: Field) -> str:
    """The parameter that filters by the field: its name, which is no parameter of the page itself."""
    return f"field.{field.name}" if field.name in OWN else field.name


def for_browser(contract: Contract) -> dict[str, Any]:
    """What the page's scripts need, as JSON.

    filters: parameter, name and label of each field that is `listed`. columns: name and label of those and of what the
    dimension compares, in the order of the contract. event: label of a column with two more fields, each its name or
    null: subject (the first text that is in no column) and id. sought: labels of what the search looks into.
    rejudged_by: label of the dimension's key, null if it is not of 32 bits. longest_search, longest_filter: characters.
    """
    dimension, roles = contract.dimension, contract.roles
    compared = {dimension.key, *(each.field for each in dimension.attributes)} if dimension else set()
    filters = listed(contract)
    shown = compared | {field.name for field in filters}
    identity = roles.id if roles.id not in shown else None
    texts = (field.name for field in contract.of_type("text") if field.name not in shown | {roles.id})
    subject = next(texts, None)
    head = identity or subject
    return {
        "filters": [{"parameter": parameter(field), **_named(contract, field.name)} for field in filters],
        "columns": [_named(contract, name) for name in contract.names if name in shown],
        "event": head and {"label": contract.label(head), "subject": subject, "id": identity},
        "sought": [contract.label(field.name) for field in sought(contract)],
        "rejudged_by": _rejudged_by(contract),
        "longest_search": longest_search(contract),
        "longest_filter": LONGEST,
    }


def _rejudged_by(contract: Contract) -> str | None:
    # The button's route takes no others.
    key = contract.dimension.key if contract.dimension else None
    return contract.label(key) if key and contract.by_name[key].type == "int32" else None


def _named(contract: Contract, name: str) -> dict[str, str]:
    return {"name": name, "label": contract.label(name)}
