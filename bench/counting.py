"""What a log costs `load` and the indexer to be counted for the metrics, in processor time, without servers."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from operator import itemgetter
from typing import Final

import numpy as np
from confluent_kafka import Message

from include.index import delays
from include.index.indexer import BATCH_MESSAGES
from include.index.messages import StatusMessage
from include.sizes import costs
from include.topics import marks
from jobs.loading import counts, foreign

LOGS: Final = 20_000
"""As many as a transaction of load has at most."""
_REASONS: Final = {"good": [], "bad": ["missing_device", "null_account_id"], "suspicious": ["unexpected_device"]}


@dataclass(frozen=True)
class Counting:
    """Nanoseconds of a log. In `load`: to read its message's time, and to count it; all that it costs until its row.

    In the indexer: to count it; all that it costs from its verdict to its document.
    """

    times: float
    counts: float
    until_row: float
    documents: float
    until_document: float

    @property
    def share(self) -> float:
        """Of what a log costs until its row."""
        return (self.times + self.counts) / self.until_row

    @property
    def share_of_document(self) -> float:
        """Of what its document costs."""
        return self.documents / self.until_document


def measure(rounds: int) -> Counting:
    """The fastest of so many rounds: others only disturb."""
    messages = [_message(offset) for offset in range(LOGS)]
    rows, _ = foreign.parse(foreign.batch(0, messages, LOGS))
    assert rows is not None  # noqa: S101  # all are verdicts
    documents = [StatusMessage(0, offset, b"", each.value()) for offset, each in enumerate(messages[:BATCH_MESSAGES])]
    until_row = (costs.CLASSIFY, costs.LOAD, costs.KAFKA, costs.MYSQL)
    return Counting(
        _fastest(rounds, lambda: np.fromiter(map(itemgetter(1), map(Message.timestamp, messages)), np.int64, LOGS)),
        _fastest(rounds, lambda: counts.of(rows, 1_800_000_000_000, limit=1000)),
        1000 * sum(each.figure for each in until_row),
        _fastest(rounds, lambda: delays.of(documents, 1_800_000_000_000), BATCH_MESSAGES),
        1000 * (costs.INDEXER.figure + costs.ELASTICSEARCH.figure),
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
    return Message(
        value=json.dumps(value, separators=(",", ":")).encode(),
        offset=offset,
        headers=[marks.STREAM],
        timestamp=(2, 1000),
    )


def _fastest(rounds: int, work: Callable[[], object], logs: int = LOGS) -> float:
    """Nanoseconds of this thread for each log."""
    found = []
    for _ in range(rounds):
        begun = time.thread_time_ns()
        work()
        found.append(time.thread_time_ns() - begun)
    return min(found) / logs
