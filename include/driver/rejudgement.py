"""The arguments of jobs/rejudge_logs.py, and its report: the verdicts it changed or, in a dry run, would change."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

LOCK: Final = "logsieve.rejudge_logs"
"""Named MySQL lock held while sending corrections: two senders at once might correct the same verdict."""


def arguments(
    *,
    origins: Path | None = None,
    reason: str | None = None,
    changes: bool = False,
    accounts: Iterable[int | str] = (),
    begin: str | None = None,
    end: str | None = None,
    dry_run: bool = False,
) -> list[str]:
    """The job's arguments, except the file of its report.

    It judges the logs of the file `origins`, or the stored bad logs with `reason`, or with `changes` those that changes
    of the users may affect, or else the others that are stored, of `accounts` if any.
    `begin` and `end`: ISO times, UTC.
    """
    if origins is not None:
        chosen = [f"--origins={origins}"]
    elif reason is not None:
        chosen = [f"--reason={reason}"]
    else:
        chosen = ["--changes"] if changes else ["--events", *(f"--account={key}" for key in accounts)]
    times = [f"--{name}={time}" for name, time in (("from", begin), ("to", end)) if time]
    return [*chosen, *times, *(["--dry-run"] if dry_run else [])]


@dataclass(frozen=True)
class Change:
    """How many logs moved from one status to another, or kept theirs; `changed`: whether the verdict differs."""

    was: str | None
    """None: no table had a row for the log."""
    now: str
    changed: bool
    """Whether the status or the reasons differ."""
    logs: int


@dataclass(frozen=True)
class Range:
    """Logs of one partition: their number, and the offsets of the first and the last."""

    partition: int
    first: int
    last: int
    logs: int


@dataclass(frozen=True)
class Report:
    """One run of the job."""

    run: str
    """The run's id, also in the header of its status messages."""
    changes: list[Change] = field(default_factory=list)
    gone: list[Range] = field(default_factory=list)
    """Logs that should have been judged but that Kafka has removed."""
    sent: int = 0
    """Status messages sent; 0 in a dry run."""
    users_version: int = 0
    """All logs affected by user changes up to this version were checked; 0: the logs were chosen in another way."""

    @property
    def changed(self) -> int:
        """Number of verdicts that differ."""
        return sum(change.logs for change in self.changes if change.changed)

    def to_json(self) -> str:
        """The report as JSON, for `from_json`."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Report":
        """The report written by `to_json`."""
        parts = json.loads(text)
        changes = [Change(**change) for change in parts.pop("changes")]
        return cls(**parts | {"changes": changes, "gone": [Range(**gone) for gone in parts.pop("gone")]})
