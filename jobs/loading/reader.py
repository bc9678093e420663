"""The running load: a loop for each partition of the status topic.

It is not a Spark query, though it has the same interface for jobs/driver/queries.py: planning a micro-batch and passing
its rows to Python cost more than loading them (docs/decisions.md).
"""

import threading
import time
from collections.abc import Callable, Mapping
from typing import Final

from include.clients.outside import Outside
from include.watch.troubles import Troubles
from jobs.database import Database
from jobs.driver import positions
from jobs.driver.holding import Lease
from jobs.loading.loop import Loop
from jobs.loading.places import Place

_BATCH_MESSAGES: Final = 20_000
"""Most messages in one transaction."""
_MESSAGES: Final = 80_000
"""Most messages in the transactions of all partitions together, which use most of the memory here."""
_STEADY_SECONDS: Final = 8
_WAITING_KIB: Final = 32 * 1024
"""Most KiB of messages waiting for a transaction, of all partitions together."""


def begin(
    place: Place, outside: Outside, database: Database, lease: Lease, troubles: Troubles, *, bounded: bool
) -> "Loading":
    """Starts loading after the last row in MySQL. `bounded`: up to the current end of the status topic.

    Raises KafkaException, LogsGoneError and errors of MySQL.
    """
    end = positions.ends_of_verdicts(outside) if bounded else None
    first = positions.of_verdicts(database, outside)
    return Loading(place, lease, first, end, lambda: troubles.clear(Loading.name))


class Loading:
    """Loads from the offsets in `begin`, by partition, until it is stopped or fails, or up to the offsets in `end`.

    `on_steady` is called from any of its threads after each transaction, but only once it has run for longer than MySQL
    takes to refuse a transaction: when one partition fails repeatedly, the others still load in between.
    """

    name: Final = "load"

    def __init__(
        self,
        place: Place,
        lease: Lease,
        begin: Mapping[int, int],
        end: Mapping[int, int] | None = None,
        on_steady: Callable[[], None] = lambda: None,
    ) -> None:
        self._place, self._on_steady, self._begun_at = place, on_steady, time.monotonic()
        partitions = max(len(begin), 1)
        most, waiting_kib = min(_BATCH_MESSAGES, _MESSAGES // partitions), _WAITING_KIB // partitions
        self._group = f"load-{id(self)}"
        self._ended = threading.Event()
        self._error: Exception | None = None
        loops = [
            Loop(number, first, None if end is None else end[number], lease, most, waiting_kib, self._group)
            for number, first in begin.items()
        ]
        self._threads = [
            threading.Thread(target=self._run, args=(loop,), name=loop.name, daemon=True) for loop in loops
        ]
        for thread in self._threads:
            thread.start()

    @property
    def isActive(self) -> bool:  # named as in Spark's queries
        """Whether a partition is still being loaded."""
        return any(thread.is_alive() for thread in self._threads)

    def exception(self) -> Exception | None:
        """The error it failed with, if any."""
        return self._error

    def stop(self) -> None:
        """Stops between two transactions, and waits for that; a transaction that MySQL blocks is rolled back."""
        self._ended.set()
        deadline = time.monotonic() + self._place.stop_seconds
        for thread in self._threads:
            thread.join(max(deadline - time.monotonic(), 0))
        while self.isActive:
            self._place.cut(self._group)
            for thread in self._threads:
                thread.join(0.1)

    def _run(self, loop: Loop) -> None:
        try:
            self._place.run(loop, self._ended, self._on_written)
        except Exception as error:  # noqa: BLE001  # queries.run raises it
            self._error = self._error or error
            self._ended.set()

    def _on_written(self) -> None:
        if time.monotonic() - self._begun_at > _STEADY_SECONDS:
            self._on_steady()
