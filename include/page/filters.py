"""Which logs are asked for: a range of their arrival, and exact values of some fields."""

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
    """Logs that arrived from `begin` up to `end`, without it; an empty tuple lets every value pass."""

    begin: datetime
    end: datetime
    statuses: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    accounts: tuple[int, ...] = ()

    @property
    def wanted(self) -> tuple[str, ...]:
        """The statuses that pass."""
        return self.statuses or STATUSES

    @property
    def bucket_seconds(self) -> int:
        """The shortest length of which about MOST_BUCKETS are as long as the range."""
        seconds = (self.end - self.begin).total_seconds()
        return next(step for step in _STEPS if seconds // step <= MOST_BUCKETS)

    @property
    def need_search(self) -> bool:
        """Whether they ask for what MySQL has no index for."""
        return bool(self.reasons or self.countries or self.devices or self.accounts)

    def only_by_status(self) -> "Filters":
        """What MySQL can tell fast."""
        return replace(self, reasons=(), countries=(), devices=(), accounts=())

    def of_status(self, *statuses: str) -> "Filters":
        """The same, of these statuses only."""
        return replace(self, statuses=statuses)

    def clauses(self) -> list[dict[str, Any]]:
        """The same as clauses of an Elasticsearch filter, without the range."""
        fields = {
            "status": self.statuses,
            "reasons": self.reasons,
            "location_country": self.countries,
            "device": self.devices,
            "account_id": self.accounts,
        }
        return [{"terms": {name: list(values)}} for name, values in fields.items() if values]


def milliseconds(time: datetime) -> int:
    """Since 1970, rounded down: what MySQL's and Elasticsearch's received_at have."""
    return (time - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def text(time: datetime) -> str:
    """ISO 8601 in UTC, with milliseconds."""
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
