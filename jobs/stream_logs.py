"""The streaming application: settings, session, lease, classify and load, until stopped.

Exits with 0 when stopped by SIGTERM or `./logsieve stream stop`, or, bounded, at its end; 1 when a query failed; 75
when another driver took over the lease, 76 when another one lives; 77 when the logs have more partitions than at its
start; 78 when a topic, a table, the users or the compiled rules are missing, or a topic was made anew; 79 when
Kafka has removed logs that were not processed (include/driver/exit_codes.py). SIGUSR1 logs a trace of each thread.
"""

import argparse
import faulthandler
import getpass
import itertools
import logging
import os
import shutil
import signal
import sys
from typing import Final, get_args

from pyspark.sql.streaming.query import StreamingQuery

from include import names
from include.settings import Settings, Trigger
from include.watch.troubles import Troubles
from jobs import session, sources
from jobs.database import Database
from jobs.driver import inputs, lease, partitions, positions, queries, topic_ids
from jobs.driver.patience import Patience
from jobs.ends import EndError, QueryFailedError, Stop
from jobs.judging import beginning, classify, judge, users
from jobs.loading.threads import Loading

_INPUTS_SECONDS: Final = 300

_log = logging.getLogger("logsieve")


def main(arguments: list[str]) -> int:
    """Runs the application; gives its exit code."""
    settings = Settings()
    parser = argparse.ArgumentParser(prog=names.DRIVER, description=__doc__)
    parser.add_argument("--trigger", choices=get_args(Trigger), default=settings.trigger)
    parser.add_argument(
        "--owner",
        default=f"{getpass.getuser()} by hand, process {os.getpid()}",
        help="who wants a driver: see jobs/driver/lease.py",
    )
    parser.add_argument("--take-over", action="store_true", help="even from a living driver")
    given = parser.parse_args(arguments)
    try:
        stream(settings, given.trigger, given.owner, take_over=given.take_over)
    except EndError as error:
        _log.log(logging.ERROR if error.exit_code else logging.INFO, error)
        return error.exit_code
    return 0


def stream(settings: Settings, trigger: Trigger, owner: str, *, take_over: bool) -> None:
    """Judges and loads until a person stops it, or all that is there. Raises EndError for every other expected end."""
    stop = Stop()
    signal.signal(signal.SIGTERM, lambda *_: stop.ask())
    count = partitions.of_logs(settings)
    spark = session.build(names.DRIVER, count)
    empty_scratch = session.take_scratch(spark, settings, names.DRIVER)
    judge.register(spark, settings)
    database = Database.of(settings)
    troubles = Troubles(settings.troubles, _log)
    mysql = Patience(stop, troubles, lasts=trigger != "available-now")
    mysql.does(lambda: inputs.wait(database, settings, _INPUTS_SECONDS, stop.pause))
    mysql.does(lambda: topic_ids.check(database, settings))
    known = mysql.does(lambda: users.Users(spark, settings))
    # The JVM judges; when this Python is killed, it may go on for seconds.
    process = session.process(spark)
    ours = mysql.does(lambda: lease.take(database, names.DRIVER, owner, take_over, process, stop.pause))
    _log.info("lease %s, trigger %s, %d partitions", ours, trigger, count)
    # Of use to Spark while it runs; where to begin is told by the sinks.
    shutil.rmtree(settings.checkpoints, ignore_errors=True)
    empty_scratch()
    checkpoints = (settings.checkpoints / f"{ours.epoch}-{beginning}" for beginning in itertools.count())

    def tell(version: int) -> None:
        ours.tell_users_version(database, version)

    judged_with = known.version

    def is_outdated(query: queries.Query) -> bool:
        # A batch keeps the users that it began with, and one of real-time mode lasts for minutes.
        return trigger == "realtime" and query.name == classify.QUERY and judged_with != known.version

    def judging() -> StreamingQuery | None:
        found = (query for query in spark.streams.active if query.name == classify.QUERY)
        return next((query for query in found if not is_outdated(query)), None)

    def begin_classify() -> StreamingQuery:
        nonlocal judged_with
        judged_with = known.version
        # Again, as a query may begin anew, and a topic may have been made anew before.
        topic_ids.check(database, settings)
        if not classify.settle(spark):
            raise QueryFailedError("Kafka does not take what the last query has given to its client")
        logs = sources.logs(spark, settings, trigger, *beginning.begin(spark, settings, database, known, stop))
        query = classify.start(logs, known.frame, settings, trigger, next(checkpoints))
        troubles.clear(classify.QUERY)
        return query

    def is_mended(query: queries.Query) -> bool:
        is_settled = query.name == classify.QUERY and classify.settle(spark)
        return is_settled and beginning.is_behind_what_failed(spark, settings, database)

    def begin_load() -> Loading:
        end = positions.ends_of_verdicts(settings) if trigger == "available-now" else None
        begins = positions.of_verdicts(database, settings)
        return Loading(settings, ours, begins, end, lambda: troubles.clear(Loading.name))

    try:
        with lease.held(ours, database, stop.ask, stop.ask, lambda: classify.settle(spark), troubles):
            # A rejudgement since they were read did not wait for verdicts of this driver: it could not see it yet.
            mysql.does(lambda: known.follow(database))
            if trigger == "available-now":
                tell(known.version)
                # One after the other, so that all logs that are there now are judged and loaded.
                queries.run({classify.QUERY: begin_classify}, stop, is_mended=is_mended)
                queries.run({Loading.name: begin_load}, stop)
            else:
                with (
                    partitions.watched(settings, count, on_more=stop.ask),
                    users.watched(known, database, judging, tell, stop.ask, troubles),
                ):
                    # load first: classify may begin with logs that take long.
                    both: dict[str, queries.Begin] = {Loading.name: begin_load, classify.QUERY: begin_classify}
                    queries.run(both, stop, tell=troubles.tell, is_outdated=is_outdated, is_mended=is_mended)
                if not stop.asked.is_set():
                    raise QueryFailedError("a query ended without being asked to, and without an error")
    finally:
        troubles.clear_all()
        spark.stop()


if __name__ == "__main__":
    faulthandler.register(signal.SIGUSR1)
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    _log.setLevel(logging.INFO)
    sys.exit(main(sys.argv[1:]))
