"""Filters of the page: a range of arrival times, and exact values of some fields."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from include.names import STATUSES

LONGEST: Final = timedelta(days=31)
MOST_BUCKETS: Final = 360
_STEPS: Final = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800)
"""Lengths of a bucket, seconds."""


@dataclass(frozen=True)
class Filters:
    """Logs that arrived from `begin` to `end` (exclusive); an empty tuple allows every value."""

    begin: datetime
    end: datetime
    statuses: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    accounts: tuple[int, ...] = ()

    @property
    def wanted(self) -> tuple[str, ...]:
        """The allowed statuses."""
        return self.statuses or STATUSES

    @property
    def bucket_seconds(self) -> int:
        """The shortest bucket length that needs at most about MOST_BUCKETS buckets for the range."""
        seconds = (self.end - self.begin).total_seconds()
        return next(step for step in _STEPS if seconds // step <= MOST_BUCKETS)

    def only_by_status(self) -> "Filters":
        """The filters without those that are slow in MySQL."""
        return replace(self, reasons=(), countries=(), devices=(), accounts=())

    def of_status(self, *statuses: str) -> "Filters":
        """The filters with these statuses instead."""
        return replace(self, statuses=statuses)

    def clauses(self) -> list[dict[str, Any]]:
        """The filters as clauses of an Elasticsearch filter, without the range."""
        fields = {
            "status": self.statuses,
            "reasons": self.reasons,
            "location_country": self.countries,
            "device": self.devices,
            "account_id": self.accounts,
        }
        return [{"terms": {name: list(values)}} for name, values in fields.items() if values]


def milliseconds(time: datetime) -> int:
    """Milliseconds since 1970, rounded down: the precision of received_at in MySQL and Elasticsearch."""
    return (time - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def text(time: datetime) -> str:
    """ISO 8601 in UTC, with milliseconds."""
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
