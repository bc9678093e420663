"""Runs classify and load until one ends or a stop is asked for. One that failed because of MySQL begins anew in place,
as often as it takes and while the other goes on; so does load when its client of Kafka has ceased to read.

That takes a second where a new driver takes twenty. Where Kafka fails classify there is no such shortcut: records that
it has handed to its producer may still arrive, and would be judged twice; a new driver begins when the old one is gone.
"""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from include.topics.readers import StalledError
from include.watch import mysql_trouble
from include.watch.troubles import Trouble
from jobs.database import told
from jobs.ends import EndError, QueryFailedError, Stop

_POLL_SECONDS: Final = 0.5
_LONGEST_PAUSE: Final = 2.0
"""Seconds between two tries: each reads and parses a batch once more."""
_STEADY_SECONDS: Final = 30
"""What has run for so long did not fail in a row."""

_log = logging.getLogger("logsieve.queries")


class Query(Protocol):
    """What a StreamingQuery of Spark has, and jobs/loading/reader.py too."""

    @property
    def name(self) -> str:
        """classify or load."""

    @property
    def isActive(self) -> bool:
        """Whether it has neither ended nor failed."""

    def exception(self) -> Exception | None:
        """What it failed with."""

    def stop(self) -> None:
        """Ends it, and waits until it has ended."""


Begin = Callable[[], Query]


def run(
    begins: Mapping[str, Begin],
    stop: Stop,
    *,
    tell: Callable[[str, Trouble], None] | None = None,
    is_outdated: Callable[[Query], bool] = lambda _: False,
    is_mended: Callable[[Query], bool] = lambda _: False,
) -> None:
    """Starts the queries, by name, waits until one ends or a stop is asked for, stops all.

    With `tell`, one that MySQL keeps from its start or its work is begun again and again, and `tell` called with its
    name and what MySQL says; so is one that failed with a StalledError. One that failed is also begun once more where
    `is_mended` says that its next beginning gets over what it failed at, and one that is outdated is stopped, and begun
    once more. Raises the error that the stop was asked for with, the EndError of a query, QueryFailedError where a
    query fails otherwise, or what a start raises.
    """
    places = [_Place(name, begin, stop, tell, is_mended) for name, begin in begins.items()]
    try:
        while not stop.asked.is_set():
            for place in places:
                if not place.go_on(is_outdated):
                    return
            stop.asked.wait(_POLL_SECONDS)
    finally:
        for place in places:
            if place.query is not None:
                place.query.stop()
    stop.check()


@dataclass
class _Place:
    """One query, and the next in its place."""

    name: str
    begin: Begin
    stop: Stop
    tell: Callable[[str, Trouble], None] | None
    is_mended: Callable[[Query], bool]
    query: Query | None = None
    _begun_at: float = 0.0
    _again_at: float = 0.0
    _pause: float = _POLL_SECONDS

    def go_on(self, is_outdated: Callable[[Query], bool]) -> bool:
        """Begins the query where it is time to; False once it has ended without an error."""
        if self.query is not None:
            if self.query.isActive:
                if not is_outdated(self.query):
                    return True
                self.query.stop()
            # Before the others are stopped: one that is stopped in the middle of a batch may end with an error.
            elif (error := self.query.exception()) is None:
                return False
            else:
                self._check_may_begin_anew(self.query, error)
            self.query = None
        if not self.stop.asked.is_set() and time.monotonic() >= self._again_at:
            self._try_to_begin()
        return True

    def _try_to_begin(self) -> None:
        try:
            self.query = self.begin()
        except Exception as error:
            if not self._waits(error):
                raise
        else:
            self._begun_at = time.monotonic()

    def _check_may_begin_anew(self, query: Query, error: Exception) -> None:
        """Raises, unless the query may begin anew."""
        if self.tell and isinstance(error, StalledError):
            _log.warning("%s begins anew: %s", self.name, error)
        elif self._waits(error):
            return
        elif not isinstance(error, EndError) and self.is_mended(query):
            _log.warning("%s begins anew behind what it failed at: %s", self.name, told(error).splitlines()[0])
        else:
            self.stop.check()
            if isinstance(error, EndError):
                raise error
            raise QueryFailedError(f"{self.name} failed: {mysql_trouble.of(error) or told(error)}")

    def _waits(self, error: Exception) -> bool:
        """Whether it is MySQL that keeps it from its work; then that is told, and when the next try is to be."""
        trouble = mysql_trouble.of(error)
        if self.tell is None or trouble is None:
            return False
        self.tell(self.name, trouble)
        now = time.monotonic()
        self._pause = _POLL_SECONDS if now - self._begun_at > _STEADY_SECONDS else min(2 * self._pause, _LONGEST_PAUSE)
        self._again_at = now + self._pause
        return True
