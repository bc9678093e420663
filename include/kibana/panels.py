"""The panels of the Kibana dashboard. include/kibana/objects.py builds saved objects from them."""

import re
from collections.abc import Container
from dataclasses import dataclass
from itertools import count
from typing import Final, Literal

from include.contract.model import Contract
from include.names import BAD, GOOD, INDEX, SUSPICIOUS

DATA_VIEW: Final = INDEX
"""Title and id of the data view, the same as the index name."""
TIME_FIELD: Final = "received_at"
TITLE: Final = "Server logs"
DESCRIPTION: Final = "Every log has exactly one status. The same verdicts are in three tables in MySQL."
SINCE: Final = "now-15m"
REFRESH_SECONDS: Final = 10

STATUS_ORDER: Final = (GOOD, SUSPICIOUS, BAD)
"""Order of the colours in every panel: green to red."""

Kind = Literal["string", "number", "boolean", "ip"]
_KINDS: Final[dict[str, Kind]] = {
    "text": "string",
    "int32": "number",
    "int64": "number",
    "number": "number",
    "boolean": "boolean",
    "ip": "ip",
}
"""What Kibana calls the values of a type."""

Grid = tuple[int, int, int, int]
"""Position and size of a panel: x, y, width, height. A row has 48 columns."""


@dataclass(frozen=True)
class Chart:
    """Logs counted by status and, if `by` is set, by a field: over time, or its `most` most frequent values."""

    id: str
    title: str
    shape: Literal["bars", "percent", "donut", "ranking"]
    grid: Grid
    by: str | None = None
    kind: Kind = "string"
    """Of the field's values."""
    most: int = 10


@dataclass(frozen=True)
class Newest:
    """The newest logs of a status, one per row. `columns` are fields of the document."""

    id: str
    title: str
    status: str
    columns: tuple[str, ...]
    grid: Grid


_OF_EVERY_CONTRACT: Final = (
    Chart("over-time", "Logs by status over time", "bars", (0, 0, 32, 12), TIME_FIELD),
    Chart("shares", "Share of each status", "donut", (32, 0, 16, 12)),
    Chart("shares-over-time", "Share of each status over time", "percent", (0, 12, 24, 12), TIME_FIELD),
    Chart("reasons", "Top reasons", "ranking", (24, 12, 24, 12), "reasons", most=15),
)
_NEWEST: Final = "newest-suspicious"
_FIRST_ROW: Final = 24
"""Where the rankings of the contract begin, two in a row."""


def charts(contract: Contract) -> tuple[Chart, ...]:
    """The charts: those of every contract, then a ranking of each of its tops. Pure."""
    found = list(_OF_EVERY_CONTRACT)
    for number, name in enumerate(contract.roles.tops):
        title = _plural(contract.label(name))
        grid = (number % 2 * 24, _FIRST_ROW + number // 2 * 12, 24, 12)
        kind = _KINDS[contract.by_name[name].type]
        id = _unused(title, {_NEWEST, *(chart.id for chart in found)})
        found.append(Chart(id, title[:1].upper() + title[1:], "ranking", grid, name, kind))
    return tuple(found)


def newest(contract: Contract) -> Newest:
    """The newest suspicious logs, with all fields of the contract. Pure."""
    below = _FIRST_ROW + (len(contract.roles.tops) + 1) // 2 * 12
    columns = (*contract.names, "reasons")
    return Newest(_NEWEST, "Newest suspicious logs", SUSPICIOUS, columns, (0, below, 48, 14))


def _plural(label: str) -> str:
    if label.endswith(("s", "x", "z", "ch", "sh")):
        return f"{label}es"
    if label.endswith("y") and not label.endswith(("ay", "ey", "oy", "uy")):
        return f"{label[:-1]}ies"
    return f"{label}s"


def _unused(title: str, used: Container[str]) -> str:
    """The title as an id, with a number at its end if another panel has the same."""
    slug = re.sub("[^a-z0-9]+", "-", title.lower())
    return next(id for number in count(1) if (id := slug if number == 1 else f"{slug}-{number}") not in used)
