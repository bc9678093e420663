"""Verdicts on numbers: is the stream well? Pure functions, for sensors, `watch_logs` and `./logsieve status`."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Verdict:
    """`ok`, and a sentence for people: the numbers, and what to do where it is not well."""

    ok: bool
    sentence: str


@dataclass(frozen=True)
class Run:
    """Bad logs of one partition with no other log between them; both offsets belong to it."""

    partition: int
    first: int
    last: int


def lag(hop: str, behind: int, limit: int) -> Verdict:
    """`behind`: offsets that `hop` (classify, load, index) has still to do."""
    if behind <= limit:
        return Verdict(True, f"{hop} is {behind:,} behind")
    return Verdict(
        False, f"{hop} is {behind:,} behind, more than {limit:,}: see whether it runs, and whether logs come too fast"
    )


def freshness(what: str, age_seconds: float | None, limit_seconds: float) -> Verdict:
    """`age_seconds`: of the newest row or document of `what`; None when there is none."""
    if age_seconds is None:
        return Verdict(False, f"{what} is empty: see whether logs are sent and the stream runs")
    if age_seconds <= limit_seconds:
        return Verdict(True, f"the newest of {what} is {age_seconds:,.0f} s old")
    return Verdict(
        False,
        f"the newest of {what} is {age_seconds:,.0f} s old, more than {limit_seconds:,.0f} s: "
        "see whether logs are sent and the stream runs",
    )


def share_of_bad(bad: int, total: int, limit: float, minutes: int) -> Verdict:
    """`bad` logs of `total` in the last `minutes`; `limit` between 0 and 1. No logs at all are well."""
    share = bad / total if total else 0.0
    sentence = f"{share:.1%} of {total:,} logs of the last {minutes} minutes are bad"
    if share <= limit:
        return Verdict(True, sentence)
    return Verdict(False, f"{sentence}, more than {limit:.1%}: see whether a sender changed")


def bad_in_a_row(run: Run | None, limit: int) -> Verdict:
    """`run`: `limit` bad logs in a row, if there are."""
    if run is None:
        return Verdict(True, f"no {limit:,} bad logs came in a row")
    return Verdict(
        False,
        f"{limit:,} bad logs or more came in a row in partition {run.partition}, offsets {run.first} to {run.last}: "
        "see whether a sender changed",
    )
