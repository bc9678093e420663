"""The streaming application: settings, session, lease, classify and load, until stopped.

Exits with 0 when stopped by SIGTERM or, bounded, at its end; 1 when a query failed; LEASE_LOST when another driver
took over.
"""

import argparse
import logging
import signal
import sys
import threading
from collections.abc import Callable
from functools import partial
from typing import Final, get_args

from pyspark.sql.streaming.query import StreamingQuery

from include import names
from include.settings import Settings, Trigger
from jobs import classify, lease, load, session, sources
from jobs.database import Database

LEASE_LOST: Final = 75

_POLL_SECONDS: Final = 0.5

_log = logging.getLogger("logsieve")


def main(arguments: list[str]) -> int:
    """Runs the application; gives its exit code."""
    settings = Settings()
    parser = argparse.ArgumentParser(prog=names.DRIVER, description=__doc__)
    parser.add_argument("--trigger", choices=get_args(Trigger), default=settings.trigger)
    trigger: Trigger = parser.parse_args(arguments).trigger

    stop, lost = threading.Event(), threading.Event()

    def on_lost() -> None:
        lost.set()
        stop.set()

    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    spark = session.build(names.DRIVER)
    with lease.held(Database.of(settings), names.DRIVER, on_lost) as ours:
        _log.info("lease %s, trigger %s", ours, trigger)
        begin_classify = partial(
            classify.start, sources.logs(spark, settings, trigger), sources.users(spark, settings), settings, trigger
        )
        begin_load = partial(load.start, sources.verdicts(spark, settings), settings, trigger, ours)
        if trigger == "available-now":
            # One after the other, so that all logs that are there now are judged and loaded.
            failed = run([begin_classify], stop) or run([begin_load], stop)
        else:
            failed = run([begin_classify, begin_load], stop)
            if failed is None and not stop.is_set():
                failed = "a query ended without being asked to, and without an error"
                _log.error(failed)
    spark.stop()
    if lost.is_set() or (failed is not None and lease.LeaseLostError.__name__ in failed):
        _log.error("lease lost: another driver took over, this one ends")
        return LEASE_LOST
    return 0 if failed is None else 1


def run(begins: list[Callable[[], StreamingQuery]], stop: threading.Event) -> str | None:
    """Starts the queries, waits until one ends or `stop` is set, stops all; gives the error of a failed one."""
    if stop.is_set():
        return None
    queries = [begin() for begin in begins]
    while all(query.isActive for query in queries) and not stop.wait(_POLL_SECONDS):
        pass
    # Asked for before the others are stopped: a query that is stopped in the middle of a batch may end with an error.
    failures = [(query.name, str(error)) for query in queries if (error := query.exception()) is not None]
    for query in queries:
        query.stop()
    for name, text in failures:
        _log.error("query %s failed: %s", name, text)
    return failures[0][1] if failures else None


if __name__ == "__main__":
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    _log.setLevel(logging.INFO)
    sys.exit(main(sys.argv[1:]))
