"""Filters of the page: a range of arrival times, and exact values of some fields."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from include.contract.model import Contract
from include.names import STATUSES
from include.page import fields
from include.page.values import Value, parse

LONGEST: Final = timedelta(days=31)
MOST_BUCKETS: Final = 360
MOST_VALUES: Final = 50
"""Values of one field."""
_STEPS: Final = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800)
"""Lengths of a bucket, seconds."""

Chosen = tuple[tuple[str, tuple[Value, ...]], ...]
"""Fields, each with its allowed values."""


class WrongFilterError(ValueError):
    """A parameter is no filter, or its value is none of the field; `remedy` says what to do."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.message, self.remedy = message, remedy


@dataclass(frozen=True)
class Filters:
    """Logs that arrived from `begin` to `end` (exclusive); an empty tuple allows every value."""

    begin: datetime
    end: datetime
    statuses: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    fields: Chosen = ()

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
        return replace(self, reasons=(), fields=())

    def of_status(self, *statuses: str) -> "Filters":
        """The filters with these statuses instead."""
        return replace(self, statuses=statuses)

    def clauses(self) -> list[dict[str, Any]]:
        """The filters as clauses of an Elasticsearch filter, without the range."""
        exact = (("status", self.statuses), ("reasons", self.reasons), *self.fields)
        return [{"terms": {name: list(values)}} for name, values in exact if values]


def chosen(contract: Contract, given: Iterable[tuple[str, str]]) -> Chosen:
    """The filters by fields among the parameters, in the contract's order. Raises WrongFilterError."""
    by_parameter = {fields.parameter(field): field for field in fields.listed(contract)}
    found: dict[str, list[Value]] = {field.name: [] for field in by_parameter.values()}
    for name, text in given:
        if name in fields.OWN:
            continue
        if name not in by_parameter:
            known = ", ".join(by_parameter) or "none, see [roles] in the contract"
            raise WrongFilterError("A parameter is no field that the page filters by.", f"Those are: {known}.")
        field = by_parameter[name]
        try:
            found[field.name].append(parse(field, text))
        except ValueError as error:
            raise WrongFilterError(str(error), "Choose another value, or filter by another field.") from error
        if len(found[field.name]) > MOST_VALUES:
            raise WrongFilterError(f"{field.name} has more than {MOST_VALUES} values.", "Remove some.")
    return tuple((name, tuple(values)) for name, values in found.items() if values)


def milliseconds(time: datetime) -> int:
    """Milliseconds since 1970, rounded down: the precision of received_at in MySQL and Elasticsearch."""
    return (time - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def text(time: datetime) -> str:
    """ISO 8601 in UTC, with milliseconds."""
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
