"""Verdicts on the numbers of the stream. Pure functions for sensors, `watch_logs` and `./logsieve status`."""

from dataclasses import dataclass
from typing import Final

LAG_LIMIT: Final = 10_000
"""A hop where more logs wait is late."""
FRESH_SECONDS: Final = 60
"""A hop whose newest log is older is late."""


@dataclass(frozen=True)
class Verdict:
    """`ok`, and a sentence for people: the numbers and, if not `ok`, what to do."""

    ok: bool
    sentence: str


@dataclass(frozen=True)
class Run:
    """Consecutive bad logs of one partition; both offsets are inclusive."""

    partition: int
    first: int
    last: int


def lag(hop: str, behind: int, limit: int) -> Verdict:
    """`behind`: offsets that `hop` (classify, load, index) has not processed yet."""
    if behind <= limit:
        return Verdict(True, f"{hop} is {behind:,} behind")
    return Verdict(
        False, f"{hop} is {behind:,} behind, more than {limit:,}: check that it runs and keeps up with the rate of logs"
    )


def share_of_bad(bad: int, total: int, limit: float, minutes: int) -> Verdict:
    """`bad` logs of `total` in the last `minutes`; `limit` between 0 and 1. No logs at all are ok."""
    share = bad / total if total else 0.0
    sentence = f"{share:.1%} of {total:,} logs of the last {minutes} minutes are bad"
    if share <= limit:
        return Verdict(True, sentence)
    return Verdict(False, f"{sentence}, more than {limit:.1%}: check whether a sender changed")


def bad_in_a_row(run: Run | None, limit: int) -> Verdict:
    """`run`: `limit` bad logs in a row; None: there are none."""
    if run is None:
        return Verdict(True, f"fewer than {limit:,} bad logs came in a row")
    return Verdict(
        False,
        f"{limit:,} bad logs or more came in a row in partition {run.partition}, offsets {run.first} to {run.last}: "
        "check whether a sender changed",
    )
