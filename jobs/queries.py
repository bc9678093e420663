"""Runs classify and load until one ends or a stop is asked for. One that failed as MySQL was away begins anew in place,
and so does load when its client of Kafka has ceased to read.

That takes a second where a new driver takes twenty. Where Kafka fails classify there is no such shortcut: records that
it has handed to its producer may still arrive, and would be judged twice; a new driver begins when the old one is gone.
"""

import logging
from collections.abc import Callable, Sequence
from typing import Protocol

from include.status_topic import StalledError
from jobs.database import mysql_failed, told
from jobs.ends import EndError, QueryFailedError, Stop

_POLL_SECONDS = 0.5

_log = logging.getLogger("logsieve.queries")


class Query(Protocol):
    """What a StreamingQuery of Spark has, and jobs/loading.py too."""

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
    begins: Sequence[Begin],
    stop: Stop,
    *,
    again: bool = False,
    is_outdated: Callable[[Query], bool] = lambda _: False,
    is_mended: Callable[[Query], bool] = lambda _: False,
) -> None:
    """Starts the queries, waits until one ends or a stop is asked for, stops all.

    With `again`, a query that failed as MySQL was away, or with a StalledError, is begun once more, as often as it
    takes; so is one that failed where `is_mended` says that its next beginning gets over what it failed at. One that is
    outdated is stopped, and begun once more. Raises the error that the stop was asked for with, the EndError of a
    query, QueryFailedError where a query fails otherwise, or what a start raises.
    """
    queries: list[Query] = []
    try:
        while not stop.asked.is_set() and len(queries) < len(begins):
            queries.append(begins[len(queries)]())
        while not stop.asked.wait(_POLL_SECONDS):
            for number, query in enumerate(queries):
                if query.isActive:
                    if not is_outdated(query):
                        continue
                    query.stop()
                # Before the others are stopped: one that is stopped in the middle of a batch may end with an error.
                elif (error := query.exception()) is None:
                    return
                else:
                    _check_may_begin_anew(query, error, stop, is_mended, again=again)
                begun = _when_mysql_answers(begins[number], stop)
                if begun is None:
                    break
                queries[number] = begun
    finally:
        for query in queries:
            query.stop()
    stop.check()


def _check_may_begin_anew(
    query: Query, error: Exception, stop: Stop, is_mended: Callable[[Query], bool], *, again: bool
) -> None:
    """Raises, unless the query may begin anew."""
    name = query.name
    if again and isinstance(error, StalledError):
        _log.warning("%s begins anew: %s", name, error)
    elif again and mysql_failed(error):
        _log.warning("MySQL is away or refuses, %s begins anew: %s", name, mysql_failed(error))
    elif not isinstance(error, EndError) and is_mended(query):
        _log.warning("%s begins anew behind what it failed at: %s", name, told(error).splitlines()[0])
    else:
        stop.check()
        if isinstance(error, EndError):
            raise error
        raise QueryFailedError(f"{name} failed: {told(error)}")


def _when_mysql_answers(begin: Begin, stop: Stop) -> Query | None:
    """The query begun once MySQL is there; None where a stop is asked for before."""
    while not stop.asked.wait(_POLL_SECONDS):
        try:
            return begin()
        except Exception as error:
            if not mysql_failed(error):
                raise
            _log.debug("MySQL is away: %s", error)
    return None
