"""Waits until `load` has loaded everything that is in the status topic now."""

from typing import Any, Final

from confluent_kafka import Consumer

from include import retries
from include.names import STATUS_TOPIC
from include.topics import hops

LOAD_SECONDS: Final = 300
"""Time limit for `load` to catch up."""
_PAUSE_SECONDS: Final = 0.2


class NotLoadedInTimeError(RuntimeError):
    """`load` did not load the verdicts within LOAD_SECONDS."""


def wait(consumer: Consumer, cursor: Any) -> None:
    """Blocks until every message that is in the status topic at the call has been loaded.

    `cursor`: from a connection with autocommit; within one transaction it would never see progress.
    Raises NotLoadedInTimeError; client errors propagate.
    """
    ends = hops.topic_ends(consumer, STATUS_TOPIC)

    def is_loaded() -> bool:
        loaded = hops.read_loaded(cursor)
        return all(loaded.get(partition, 0) >= end for partition, end in ends.items())

    late = NotLoadedInTimeError(
        f"the verdicts in {STATUS_TOPIC} were not loaded within {LOAD_SECONDS} s. Nothing is lost."
        " If the stream is stopped, start it: ./logsieve stream start"
    )
    retries.until(is_loaded, LOAD_SECONDS, lambda _: late, pause=_PAUSE_SECONDS)
