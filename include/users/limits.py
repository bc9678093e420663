"""Is an accounts export wrong as a whole? Judged by what it changes against the nearest day that was loaded. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from math import ceil
from typing import Final

from include.users.export import ExportRefusedError

FEW_ACCOUNTS: Final = 3
"""So many may always be changed, closed or added, but for all of a dimension that is not larger."""
MOST_BY_TIME: Final = 0.95
"""However far the other day is, a limit does not grow beyond this share."""


@dataclass(frozen=True)
class Limits:
    """Shares, 0 to 1, of a day beside the other one: with each further day between them each grows by a tenth.

    1 allows everything. See the settings `accounts_most_…`.
    """

    changed: float
    """Of the accounts that are in both."""
    closed: float
    """Of the accounts of the other day."""
    added: float
    """Of the accounts of the export."""


@dataclass(frozen=True)
class Example:
    """One account that differs; None: it is not there."""

    account_no: int
    was: str | None
    becomes: str | None

    def __str__(self) -> str:
        was, becomes = (device if device is None else repr(device) for device in (self.was, self.becomes))
        return f"account {self.account_no}: {was or 'unknown'} → {becomes or 'absent'}"


@dataclass(frozen=True)
class Difference:
    """What the export of `day` says otherwise than the history does of `other`, which may be the same day."""

    day: date
    other: date
    accounts: int
    """Of the export."""
    changed: int
    closed: int
    added: int
    changed_as: Example | None = None
    closed_as: Example | None = None
    added_as: Example | None = None

    @property
    def in_both(self) -> int:
        """Accounts that the export and the other day have."""
        return self.accounts - self.added


def nearest(day: date, loaded: Iterable[date]) -> date | None:
    """The loaded day that an export is compared with: its own, else the nearest, of two the earlier."""
    return min(loaded, key=lambda other: (abs(other - day), other), default=None)


def check(found: Difference, name: str, limits: Limits) -> None:
    """Raises ExportRefusedError, naming every limit that is exceeded with an example, and how to accept it once."""
    kinds = (
        (found.changed, found.in_both, limits.changed, "CHANGED", "have another device", "in both", found.changed_as),
        (found.closed, found.in_both + found.closed, limits.closed, "CLOSED", "are closed", "before", found.closed_as),
        (found.added, found.accounts, limits.added, "ADDED", "are new", "in it", found.added_as),
    )
    days = abs(found.day - found.other).days
    told = []
    for differing, all_of_them, limit, setting, what, where, example in kinds:
        share = _share(limit, days)
        if differing > _most(share, all_of_them):
            told.append(
                f"{differing:,} of {all_of_them:,} accounts {where} {what}, as {example};"
                f" at most {share:.0%} may (LOGSIEVE_ACCOUNTS_MOST_{setting}={limit:g})"
            )
    if told:
        other = found.other if days else "what was loaded for its day"
        raise ExportRefusedError(
            f"{name} is too different from {other}: {'. '.join(told)}.",
            "Mend the file and clear the task. If it is right, accept this day once: ./logsieve airflow dags trigger"
            f' users_dimension --conf \'{{"accept": "{found.day}"}}\'',
        )


def _share(limit: float, days: int) -> float:
    return min(limit * (1 + max(days - 1, 0) / 10), max(limit, MOST_BY_TIME))


def _most(share: float, accounts: int) -> int:
    return max(ceil(share * accounts), min(FEW_ACCOUNTS, max(accounts - 1, 1)))
