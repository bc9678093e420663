"""Waits until `load` has taken all that is in the status topic now."""

import time
from typing import Any, Final

from confluent_kafka import Consumer

from include.names import STATUS_TOPIC
from include.topics import hops

LOAD_SECONDS: Final = 300
"""How long `load` may take."""
_PAUSE_SECONDS: Final = 0.2


class NotLoadedInTimeError(RuntimeError):
    """`load` has not taken the verdicts in LOAD_SECONDS."""


def wait(consumer: Consumer, cursor: Any) -> None:
    """Returns when it has. `cursor`: of a connection with autocommit, or it would see the same for ever.

    Raises NotLoadedInTimeError, and errors of the clients as they are.
    """
    ends = hops.topic_ends(consumer, STATUS_TOPIC)
    deadline = time.monotonic() + LOAD_SECONDS
    while True:
        loaded = hops.read_loaded(cursor)
        if all(loaded.get(partition, 0) >= end for partition, end in ends.items()):
            return
        if time.monotonic() > deadline:
            raise NotLoadedInTimeError(
                f"verdicts are in {STATUS_TOPIC}, but not loaded within {LOAD_SECONDS} s: start the stream"
                " (./logsieve stream start), if it is stopped; nothing is lost"
            )
        time.sleep(_PAUSE_SECONDS)
