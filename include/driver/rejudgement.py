"""What jobs/rejudge_logs.py reports: the table of what it changed, or as a dry run would have changed."""

import json
from dataclasses import asdict, dataclass, field
from typing import Final

LOCK: Final = "logsieve.rejudge_logs"
"""MySQL's, of whoever sends verdicts of logs that have one: two at a time might correct the same one."""


@dataclass(frozen=True)
class Change:
    """How many logs had one status and have another, or the same for other reasons, or wholly the same verdict."""

    was: str | None
    """None: no table had a row of the log."""
    now: str
    changed: bool
    """Whether status or reasons differ."""
    logs: int


@dataclass(frozen=True)
class Range:
    """So many logs of a partition, the offsets of the first and of the last of them."""

    partition: int
    first: int
    last: int
    logs: int


@dataclass(frozen=True)
class Report:
    """One run of the job."""

    run: str
    """Its id, the value of the header of its status messages."""
    changes: list[Change] = field(default_factory=list)
    gone: list[Range] = field(default_factory=list)
    """Logs that were to be judged, but that Kafka has removed."""
    sent: int = 0
    """Status messages; 0 in a dry run."""
    users_version: int = 0
    """All logs that the changes of the users up to this version concern were looked at; 0: others were chosen."""

    @property
    def changed(self) -> int:
        """How many verdicts differ."""
        return sum(change.logs for change in self.changes if change.changed)

    def to_json(self) -> str:
        """The report as text, for `from_json`."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Report":
        """The report that `to_json` wrote."""
        parts = json.loads(text)
        changes = [Change(**change) for change in parts.pop("changes")]
        return cls(**parts | {"changes": changes, "gone": [Range(**gone) for gone in parts.pop("gone")]})
