"""The streaming application: settings, session, lease, classify and load, until stopped.

Exits with 0 when stopped by SIGTERM or `./logsieve stream stop`, or, bounded, at its end; 1 when a query failed;
NOT_PROVISIONED when a topic, a table or the users are missing, or a topic was made anew; LEASE_HELD when another
driver lives; LEASE_LOST when another driver took over.
"""

import argparse
import getpass
import logging
import os
import shutil
import signal
import sys
import threading
from collections.abc import Callable
from typing import Final, get_args

from pyspark.sql.streaming.query import StreamingQuery

from include import names
from include.settings import Settings, Trigger
from jobs import classify, inputs, lease, load, positions, session, sources, topic_ids
from jobs.database import Database

LEASE_LOST: Final = 75
LEASE_HELD: Final = 76
NOT_PROVISIONED: Final = 78

_INPUTS_SECONDS: Final = 120
_POLL_SECONDS: Final = 0.5

_log = logging.getLogger("logsieve")


def main(arguments: list[str]) -> int:
    """Runs the application; gives its exit code."""
    settings = Settings()
    parser = argparse.ArgumentParser(prog=names.DRIVER, description=__doc__)
    parser.add_argument("--trigger", choices=get_args(Trigger), default=settings.trigger)
    parser.add_argument(
        "--owner",
        default=f"{getpass.getuser()} by hand, process {os.getpid()}",
        help="who wants a driver: see jobs/lease.py",
    )
    parser.add_argument("--take-over", action="store_true", help="even from a living driver")
    given = parser.parse_args(arguments)
    trigger: Trigger = given.trigger

    stop, lost = threading.Event(), threading.Event()

    def on_lost() -> None:
        lost.set()
        stop.set()

    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    spark = session.build(names.DRIVER)
    threading.Thread(target=load.start_workers, args=(spark, settings.topic_partitions), daemon=True).start()
    database = Database.of(settings)
    try:
        inputs.wait(database, settings, _INPUTS_SECONDS)
        topic_ids.check(database, settings)
        ours = lease.take(database, names.DRIVER, given.owner, take_over=given.take_over)
    except (inputs.NotProvisionedError, topic_ids.OtherTopicError) as error:
        _log.error(error)
        return NOT_PROVISIONED
    except lease.LeaseHeldError as error:
        _log.error(error)
        return LEASE_HELD
    except lease.StopAskedError as error:
        _log.info(error)
        return 0
    _log.info("lease %s, trigger %s", ours, trigger)
    # Of use to Spark while it runs; where to begin is told by the sinks.
    shutil.rmtree(settings.checkpoints, ignore_errors=True)
    checkpoints = settings.checkpoints / str(ours.epoch)
    with lease.held(ours, database, on_lost, on_stop=stop.set):

        def begin_classify() -> StreamingQuery:
            logs = sources.logs(spark, settings, trigger, positions.of_logs(database, settings))
            return classify.start(logs, sources.users(spark, settings), settings, trigger, checkpoints)

        def begin_load() -> StreamingQuery:
            messages = sources.verdicts(spark, settings, positions.of_verdicts(database, settings))
            return load.start(messages, settings, trigger, ours, checkpoints)

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
