"""The streaming application: settings, session, lease, classify and load, until stopped.

Exits with 0 when stopped by SIGTERM or `./logsieve stream stop`, or, bounded, at its end; 1 when a query failed; 75
when another driver took over the lease, 76 when another one lives; 77 when the logs have more partitions than at its
start; 78 when a topic, a table, the users or the compiled rules are missing, or a topic was made anew; 79 when
Kafka has removed logs that were not processed (include/driver/exit_codes.py). SIGUSR1 logs a trace of each thread.
"""

import argparse
import faulthandler
import getpass
import logging
import os
import signal
import sys
from functools import partial
from typing import Final, get_args

from include import names
from include.settings import Settings, Trigger
from include.watch.troubles import Troubles
from jobs import session
from jobs.database import Database
from jobs.driver import holding, inputs, partitions, queries, topic_ids
from jobs.driver.patience import Patience
from jobs.ends import EndError, QueryFailedError, Stop
from jobs.judging import judge, users
from jobs.judging.classifying import Classifying
from jobs.loading import reader
from jobs.loading.reader import Loading

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
        help="who wants a driver: see jobs/driver/holding.py",
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
    ours = mysql.does(lambda: holding.take(database, names.DRIVER, owner, take_over, process, stop.pause))
    _log.info("lease %s, trigger %s, %d partitions", ours, trigger, count)
    empty_scratch()
    classifying = Classifying(spark, settings, trigger, database, known, ours.epoch, stop, troubles)
    bounded = trigger == "available-now"
    begin_load = partial(reader.begin, settings, ours, troubles, bounded=bounded)
    tell_version = partial(ours.tell_users_version, database)
    try:
        with holding.held(ours, database, stop.ask, stop.ask, classifying.settle, troubles):
            # A rejudgement since they were read did not wait for verdicts of this driver: it could not see it yet.
            mysql.does(lambda: known.follow(database))
            if bounded:
                tell_version(known.version)
                # One after the other, so that all logs that are there now are judged and loaded.
                queries.run({classifying.name: classifying.begin}, stop, is_mended=classifying.is_mended)
                queries.run({Loading.name: begin_load}, stop)
            else:
                with (
                    partitions.watched(settings, count, on_more=stop.ask),
                    users.watched(known, database, classifying.judging, tell_version, stop.ask, troubles),
                ):
                    # load first: classify may begin with logs that take long.
                    queries.run(
                        {Loading.name: begin_load, classifying.name: classifying.begin},
                        stop,
                        tell=troubles.report,
                        is_outdated=classifying.is_outdated,
                        is_mended=classifying.is_mended,
                    )
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
