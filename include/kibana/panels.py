"""The panels of the Kibana dashboard. include/kibana/objects.py builds saved objects from them."""

from dataclasses import dataclass
from typing import Final, Literal

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
    most: int = 10


@dataclass(frozen=True)
class Newest:
    """The newest logs of a status, one per row. `columns` are fields of the document."""

    id: str
    title: str
    status: str
    columns: tuple[str, ...]
    grid: Grid


CHARTS: Final = (
    Chart("over-time", "Logs by status over time", "bars", (0, 0, 32, 12), TIME_FIELD),
    Chart("shares", "Share of each status", "donut", (32, 0, 16, 12)),
    Chart("shares-over-time", "Share of each status over time", "percent", (0, 12, 24, 12), TIME_FIELD),
    Chart("reasons", "Top reasons", "ranking", (24, 12, 24, 12), "reasons", 15),
    Chart("countries", "Countries", "ranking", (0, 24, 24, 12), "location_country"),
    Chart("devices", "Devices", "ranking", (24, 24, 24, 12), "device"),
)

NEWEST: Final = Newest(
    "newest-suspicious",
    "Newest suspicious logs",
    SUSPICIOUS,
    ("event_id", "account_id", "event_type", "device", "location_country", "event_timestamp", "reasons"),
    (0, 36, 48, 14),
)
