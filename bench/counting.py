"""What a log costs `load` to be counted for the metrics, in processor time: no servers are needed."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from operator import itemgetter
from typing import Final

import numpy as np
from confluent_kafka import Message

from include.sizes import costs
from include.topics import marks
from jobs.loading import counts, foreign

LOGS: Final = 20_000
"""As many as a transaction of load has at most."""
_REASONS: Final = {"good": [], "bad": ["missing_device", "null_account_id"], "suspicious": ["unexpected_device"]}


@dataclass(frozen=True)
class Counting:
    """Nanoseconds of a log: to read its message's time, and to count it; and all that a log costs until its row."""

    times: float
    counts: float
    whole: float

    @property
    def share(self) -> float:
        """Of what a log costs."""
        return (self.times + self.counts) / self.whole


def measure(rounds: int) -> Counting:
    """The fastest of so many rounds: others only disturb."""
    messages = [_message(offset) for offset in range(LOGS)]
    rows, _ = foreign.parse(foreign.batch(0, messages, LOGS))
    assert rows is not None  # noqa: S101  # all are verdicts
    until_row = (costs.CLASSIFY, costs.LOAD, costs.KAFKA, costs.MYSQL)
    return Counting(
        _fastest(rounds, lambda: np.fromiter(map(itemgetter(1), map(Message.timestamp, messages)), np.int64, LOGS)),
        _fastest(rounds, lambda: counts.of(rows, 1_800_000_000_000, limit=1000)),
        1000 * sum(each.figure for each in until_row),
    )


def _message(offset: int) -> Message:
    """A verdict; one in twenty is bad, one in twenty suspicious."""
    status = {0: "bad", 1: "suspicious"}.get(offset % 20, "good")
    value = {
        "event_id": f"e{offset}", "account_id": 684, "event_type": "login", "device": "IOS", "location_country": "GB",
        "event_timestamp": "2021-04-29T19:28:30Z", "status": status, "reasons": _REASONS[status],
        "origin": {"kafka_partition": 0, "kafka_offset": offset},
        "received_at": f"2026-11-23T01:02:03.{offset % 1000:03}Z", "users_version": 3, "revision": 0,
    }  # fmt: skip
    return Message(value=json.dumps(value).encode(), offset=offset, headers=[marks.STREAM], timestamp=(2, 1000))


def _fastest(rounds: int, work: Callable[[], object]) -> float:
    """Nanoseconds of this thread for each log."""
    found = []
    for _ in range(rounds):
        begun = time.thread_time_ns()
        work()
        found.append(time.thread_time_ns() - begun)
    return min(found) / LOGS
