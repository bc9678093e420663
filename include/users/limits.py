"""Detects an accounts export that is wrong as a whole, by its changes since the nearest loaded day. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from math import ceil
from typing import Final

from include.users.export import ExportRefusedError

FEW_ACCOUNTS: Final = 3
"""This many accounts may always be changed, closed or added, unless they are the whole dimension."""
MOST_BY_TIME: Final = 0.95
"""A limit does not grow beyond this share, however far away the other day is."""


@dataclass(frozen=True)
class Limits:
    """Shares, 0 to 1, for consecutive days; each further day between the two exports adds a tenth.

    1 allows everything. See the settings `accounts_most_…`.
    """

    changed: float
    """Share of the accounts in both."""
    closed: float
    """Share of the accounts of the other day."""
    added: float
    """Share of the accounts of the export."""


@dataclass(frozen=True)
class Example:
    """One account that differs, such as `account 684`, and its attributes as they are shown; None: it is absent."""

    account: str
    was: str | None
    becomes: str | None

    def __str__(self) -> str:
        return f"{self.account}: {self.was or 'unknown'} → {self.becomes or 'absent'}"


@dataclass(frozen=True)
class Difference:
    """How the export of `day` differs from the history on `other`, which may be the same day."""

    day: date
    other: date
    accounts: int
    """Number of accounts in the export."""
    changed: int
    closed: int
    added: int
    changed_as: Example | None = None
    closed_as: Example | None = None
    added_as: Example | None = None
    words: str = "device"
    """What a person calls the attributes."""

    @property
    def in_both(self) -> int:
        """Number of accounts in both the export and the other day."""
        return self.accounts - self.added


def nearest(day: date, loaded: Iterable[date]) -> date | None:
    """The loaded day that an export is compared with: the same day, else the nearest, in a tie the earlier."""
    return min(loaded, key=lambda other: (abs(other - day), other), default=None)


def check(found: Difference, name: str, limits: Limits) -> None:
    """Raises ExportRefusedError if a limit is exceeded: with an example each, and how to accept the export once."""
    another = f"have another {found.words}"
    kinds = (
        (found.changed, found.in_both, limits.changed, "CHANGED", another, "in both", found.changed_as),
        (found.closed, found.in_both + found.closed, limits.closed, "CLOSED", "are closed", "before", found.closed_as),
        (found.added, found.accounts, limits.added, "ADDED", "are new", "in it", found.added_as),
    )
    days = abs(found.day - found.other).days
    exceeded = []
    for differing, all_of_them, limit, setting, what, where, example in kinds:
        share = _share(limit, days)
        if differing > _most(share, all_of_them):
            exceeded.append(
                f"{differing:,} of {all_of_them:,} accounts {where} {what}, for example {example};"
                f" at most {share:.0%} may (LOGSIEVE_ACCOUNTS_MOST_{setting}={limit:g})"
            )
    if exceeded:
        other = found.other if days else "what was loaded for that day"
        raise ExportRefusedError(
            f"{name} is too different from {other}: {'. '.join(exceeded)}.",
            "Fix the file and clear the task. If it is right, accept this day once: ./logsieve airflow dags trigger"
            f' users_dimension --conf \'{{"accept": "{found.day}"}}\'',
        )


def _share(limit: float, days: int) -> float:
    return min(limit * (1 + max(days - 1, 0) / 10), max(limit, MOST_BY_TIME))


def _most(share: float, accounts: int) -> int:
    return max(ceil(share * accounts), min(FEW_ACCOUNTS, max(accounts - 1, 1)))
