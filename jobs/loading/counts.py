"""Counts the rows of a batch with Arrow, many at once: statuses, reasons, delays, bad logs in a row. Pure."""

from collections import Counter
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from include.names import BAD
from include.watch.totals import Delays, Totals
from jobs.loading.verdicts import NotAVerdictError

SENT_AT: Final = "sent_at"
"""Column of a batch: when its message reached the status topic, in milliseconds since 1970."""


def of(rows: pa.Table, now_ms: int, *, bad_before: int = 0, limit: int) -> Totals:
    """The totals of rows that are written for the first time, in the order of their offsets; see Totals.

    Columns: status, reasons, received_at (text), SENT_AT. `bad_before`: bad logs in a row before these rows; `limit`:
    how many in a row count as a run. Raises NotAVerdictError if a `received_at` is no time.
    """
    found = Totals(_values(rows["status"]), _values(pc.list_flatten(rows["reasons"])))
    try:
        received = pc.cast(rows["received_at"], pa.timestamp("ms", "UTC")).cast(pa.int64()).to_numpy()
    except pa.ArrowInvalid as error:
        raise NotAVerdictError(str(error)) from error
    found.status_delays = Delays.of(rows[SENT_AT].to_numpy() - received)
    found.row_delays = Delays.of(now_ms - received)
    found.bad_runs, found.bad_run = runs_of(pc.equal(rows["status"], BAD).to_numpy(), bad_before, limit)
    return found


def runs_of(bad: np.ndarray, before: int, limit: int) -> tuple[int, int]:
    """How many runs of bad logs reach the limit here, and the length of the one at the end.

    `bad`: whether each log is. `before`: length of the run before these logs; if it had reached the limit, it is not
    counted again.
    """
    others = np.flatnonzero(~bad)
    lengths = np.diff(np.concatenate(([-1], others, [len(bad)]))) - 1
    lengths[0] += before
    reached = int(np.count_nonzero(lengths >= limit)) - (before >= limit)
    return reached, int(lengths[-1])


def _values(column: pa.ChunkedArray) -> Counter[str]:
    return Counter({each["values"]: each["counts"] for each in pc.value_counts(column).to_pylist()})
