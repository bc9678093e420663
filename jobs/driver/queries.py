"""Runs classify and load until one ends or a stop is requested.

A query that fails because of MySQL is restarted in place, indefinitely, while the other one continues; so is load when
its Kafka consumer stalls. That takes one second where a new driver takes twenty. classify cannot be restarted this way
after a failure of Kafka: records handed to its producer may still arrive, and their logs would be judged twice. There a
new driver starts once the old one has exited.
"""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from include.topics.readers import StalledError
from include.watch import mysql_trouble
from include.watch.troubles import Trouble
from jobs.database import describe
from jobs.ends import EndError, QueryFailedError, Stop

_POLL_SECONDS: Final = 0.5
_LONGEST_PAUSE: Final = 2.0
"""Seconds between two tries: each one reads and parses a batch again."""
_STEADY_SECONDS: Final = 30
"""After running this long, a failure is not a repeated one."""

_log = logging.getLogger("logsieve.queries")


class Query(Protocol):
    """The common interface of Spark's StreamingQuery and of jobs/loading/reader.py."""

    @property
    def name(self) -> str:
        """Either classify or load."""

    @property
    def isActive(self) -> bool:
        """Whether it has neither ended nor failed."""

    def exception(self) -> Exception | None:
        """The error it failed with, if any."""

    def stop(self) -> None:
        """Stops the query, and waits until it has ended."""


Begin = Callable[[], Query]


def run(
    begins: Mapping[str, Begin],
    stop: Stop,
    *,
    report: Callable[[str, Trouble], None] | None = None,
    is_outdated: Callable[[Query], bool] = lambda _: False,
    can_skip_failure: Callable[[Query], bool] = lambda _: False,
) -> None:
    """Starts the queries, by name, waits until one ends or a stop is requested, and stops all.

    With `report`, a query that MySQL prevents from starting or working is retried indefinitely, and `report` is called
    with its name and the trouble; a query that failed with a StalledError is restarted too. A failed query is also
    restarted if `can_skip_failure` returns that the next start gets past what it failed at. An outdated query is
    stopped and restarted. Raises the error of the stop request, a query's EndError, QueryFailedError if a query fails
    otherwise, or what a start raises.
    """
    places = [_Place(name, begin, stop, report, can_skip_failure) for name, begin in begins.items()]
    try:
        while not stop.asked.is_set():
            for place in places:
                if not place.check(is_outdated):
                    return
            stop.asked.wait(_POLL_SECONDS)
    finally:
        for place in places:
            if place.query is not None:
                place.query.stop()
    stop.check()


@dataclass
class _Place:
    """A slot for one query and its restarts."""

    name: str
    begin: Begin
    stop: Stop
    report: Callable[[str, Trouble], None] | None
    can_skip_failure: Callable[[Query], bool]
    query: Query | None = None
    _begun_at: float = 0.0
    _again_at: float = 0.0
    _pause: float = _POLL_SECONDS

    def check(self, is_outdated: Callable[[Query], bool]) -> bool:
        """Starts or restarts the query when it is due; returns False once it has ended without an error."""
        if self.query is not None:
            if self.query.isActive:
                if not is_outdated(self.query):
                    return True
                self.query.stop()
            # Checked before the others are stopped: a query stopped in the middle of a batch may end with an error.
            elif (error := self.query.exception()) is None:
                return False
            else:
                self._check_restartable(self.query, error)
            self.query = None
        if not self.stop.asked.is_set() and time.monotonic() >= self._again_at:
            self._try_to_start()
        return True

    def _try_to_start(self) -> None:
        try:
            self.query = self.begin()
        except Exception as error:
            if not self._retries_later(error):
                raise
        else:
            self._begun_at = time.monotonic()

    def _check_restartable(self, query: Query, error: Exception) -> None:
        """Raises, unless the query may be restarted."""
        if self.report and isinstance(error, StalledError):
            _log.warning("%s restarts: %s", self.name, error)
        elif self._retries_later(error):
            return
        elif not isinstance(error, EndError) and self.can_skip_failure(query):
            _log.warning("%s restarts after its last verdict: %s", self.name, describe(error).splitlines()[0])
        else:
            self.stop.check()
            if isinstance(error, EndError):
                raise error
            raise QueryFailedError(f"{self.name} failed: {mysql_trouble.of(error) or describe(error)}")

    def _retries_later(self, error: Exception) -> bool:
        """Whether MySQL caused the error; if so, reports it and schedules the next try."""
        trouble = mysql_trouble.of(error)
        if self.report is None or trouble is None:
            return False
        self.report(self.name, trouble)
        now = time.monotonic()
        self._pause = _POLL_SECONDS if now - self._begun_at > _STEADY_SECONDS else min(2 * self._pause, _LONGEST_PAUSE)
        self._again_at = now + self._pause
        return True
