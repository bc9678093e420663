"""Runs the queries until one ends or a stop is asked for; one that failed as MySQL was away begins anew in place.

That takes a second where a new driver takes twenty. For Kafka there is no such shortcut: records that a failed query
has handed to its producer may still arrive, and would be judged twice; a new driver begins when the old one is gone.
"""

import logging
from collections.abc import Callable, Sequence

from pyspark.sql.streaming.query import StreamingQuery

from jobs.database import mysql_failed
from jobs.ends import QueryFailedError, Stop
from jobs.lease import LeaseLostError

_POLL_SECONDS = 0.5

_log = logging.getLogger("logsieve.queries")

Begin = Callable[[], StreamingQuery]


def run(
    begins: Sequence[Begin],
    stop: Stop,
    *,
    again: bool = False,
    is_outdated: Callable[[StreamingQuery], bool] = lambda _: False,
) -> None:
    """Starts the queries, waits until one ends or a stop is asked for, stops all.

    With `again`, a query that failed as MySQL was away is begun once more, as often as it takes; one that is outdated
    is stopped, and begun once more. Raises the error that the stop was asked for with, LeaseLostError or
    QueryFailedError, or what a start raises.
    """
    queries: list[StreamingQuery] = []
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
                    _check_mysql_failed(query.name, error, stop, again=again)
                begun = _when_mysql_answers(begins[number], stop)
                if begun is None:
                    break
                queries[number] = begun
    finally:
        for query in queries:
            query.stop()
    stop.check()


def _check_mysql_failed(name: str, error: Exception, stop: Stop, *, again: bool) -> None:
    """Raises, unless the query may begin anew."""
    failure = f"query {name} failed: {error}"
    if not (again and mysql_failed(failure)):
        stop.check()
        if LeaseLostError.__name__ in failure:  # raised in a task, it comes back as text
            raise LeaseLostError("the lease is over: another driver took over, this one ends")
        raise QueryFailedError(failure)
    _log.warning("MySQL is away or refuses, query %s begins anew: %s", name, mysql_failed(failure))


def _when_mysql_answers(begin: Begin, stop: Stop) -> StreamingQuery | None:
    """The query begun once MySQL is there; None where a stop is asked for before."""
    while not stop.asked.wait(_POLL_SECONDS):
        try:
            return begin()
        except Exception as error:  # MySQL's own in Python, Spark's from JDBC
            if not mysql_failed(f"{type(error).__module__}.{type(error).__name__}: {error}"):
                raise
            _log.debug("MySQL is away: %s", error)
    return None
