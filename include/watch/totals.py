"""What `load` has counted, by partition: totals that only grow, whatever restarts or expires.

`load` adds to them in the transaction that writes the rows (jobs/loading/counts.py): each log is counted exactly once.
"""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from include.names import COUNTED_TABLE, LOGS_DATABASE

BOUNDS_MS: Final = (
    1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 30_000, 60_000, 300_000, 3_600_000,
)  # fmt: skip
"""Upper bounds of the delays' buckets, inclusive, in milliseconds; a last bucket has everything above."""
_BOUNDS: Final = np.array(BOUNDS_MS, np.int64)

_READ: Final = f"SELECT totals FROM {LOGS_DATABASE}.{COUNTED_TABLE}"


@dataclass
class Delays:
    """A histogram: logs by bucket of BOUNDS_MS (not cumulative), and the sum of their delays in milliseconds."""

    buckets: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS_MS) + 1))
    sum_ms: int = 0

    @classmethod
    def of(cls, waited_ms: np.ndarray) -> "Delays":
        """The histogram of these delays. Clocks of two machines can differ: less than nothing counts as nothing."""
        waited = np.maximum(waited_ms, 0)
        places = np.bincount(np.searchsorted(_BOUNDS, waited), minlength=len(_BOUNDS) + 1)
        return cls(places.tolist(), int(waited.sum()))

    def add(self, other: "Delays") -> None:
        """Adds another histogram."""
        self.buckets = [ours + theirs for ours, theirs in zip(self.buckets, other.buckets, strict=True)]
        self.sum_ms += other.sum_ms


@dataclass
class Totals:
    """The totals of one partition, or of all."""

    statuses: Counter[str] = field(default_factory=Counter)
    """Logs by status: that of their first verdict."""
    reasons: Counter[str] = field(default_factory=Counter)
    """The same logs by reason; a log counts once for each of its reasons."""
    replaced: int = 0
    """Verdicts that replaced an earlier row: corrections, and what was read again after a failure."""
    foreign: int = 0
    """Messages that were set aside."""
    bad_runs: int = 0
    """How often the bad logs in a row reached the breaker's limit."""
    bad_run: int = 0
    """Bad logs in a row at present: the only number here that falls."""
    status_delays: Delays = field(default_factory=Delays)
    """From the log in Kafka to its status message in Kafka, by the broker's clock."""
    row_delays: Delays = field(default_factory=Delays)
    """From the log in Kafka to just before the commit of its row, by the clocks of the broker and of `load`."""

    def add(self, other: "Totals") -> None:
        """Adds the totals of other logs; `bad_run` becomes theirs."""
        self.statuses.update(other.statuses)
        self.reasons.update(other.reasons)
        self.replaced += other.replaced
        self.foreign += other.foreign
        self.bad_runs += other.bad_runs
        self.bad_run = other.bad_run
        self.status_delays.add(other.status_delays)
        self.row_delays.add(other.row_delays)

    @property
    def text(self) -> str:
        """The totals as JSON, for `of`."""
        return json.dumps(self, default=vars, separators=(",", ":"))

    @classmethod
    def of(cls, text: str | bytes | None) -> "Totals":
        """The totals of this text; None: there are none yet. Delays that another version sorted otherwise are lost."""
        found: dict[str, Any] = json.loads(text) if text else {}
        numbers = {name: found.get(name, 0) for name in ("replaced", "foreign", "bad_runs", "bad_run")}
        return cls(
            Counter(found.get("statuses", {})),
            Counter(found.get("reasons", {})),
            status_delays=_delays(found.get("status_delays")),
            row_delays=_delays(found.get("row_delays")),
            **numbers,
        )


def _delays(found: dict[str, Any] | None) -> Delays:
    return Delays(**found) if found and len(found["buckets"]) == len(BOUNDS_MS) + 1 else Delays()


def read(cursor: Any) -> Totals:
    """The totals of all partitions together. Raises the client's errors."""
    cursor.execute(_READ)
    return together(Totals.of(text) for (text,) in cursor.fetchall())


def together(each: Iterable[Totals]) -> Totals:
    """The sum of the totals."""
    found = Totals()
    for one in each:
        found.add(one)
    return found
