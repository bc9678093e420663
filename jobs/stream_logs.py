"""The streaming application: settings, session, lease, classify and load, until stopped.

Exit codes (include/driver/exit_codes.py): 0 when stopped by SIGTERM or `./logsieve stream stop`, or, if bounded, when
done; 1 when a query failed; 75 when another driver took over the lease; 76 when another driver is running; 77 when
partitions were added to the logs; 78 when a topic, a table, the users or the compiled rules are missing, or a topic was
recreated; 79 when Kafka has removed logs before they were processed; 80 when another contract is in effect. SIGUSR1
logs a traceback of each thread.
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
from include.clients.outside import Outside
from include.contract import reading
from include.settings import Settings, Trigger
from include.watch.troubles import Troubles
from jobs import session
from jobs.database import Database
from jobs.driver import contracts, holding, inputs, partitions, queries, slots, topic_ids
from jobs.driver.patience import Patience
from jobs.ends import EndError, QueryFailedError, Stop
from jobs.judging import judge, users
from jobs.judging.classifying import Classifying
from jobs.loading import places, reader
from jobs.loading.reader import Loading

_INPUTS_SECONDS: Final = 300

_log = logging.getLogger("logsieve")


def main(arguments: list[str]) -> int:
    """Runs the application; returns its exit code."""
    settings = Settings()
    parser = argparse.ArgumentParser(prog=names.DRIVER, description=__doc__)
    parser.add_argument("--trigger", choices=get_args(Trigger), default=settings.trigger)
    parser.add_argument(
        "--owner",
        default=f"{getpass.getuser()} (manual, process {os.getpid()})",
        help="requester of this driver, see jobs/driver/holding.py",
    )
    parser.add_argument("--take-over", action="store_true", help="take the lease even from a running driver")
    given = parser.parse_args(arguments)
    try:
        stream(settings, given.trigger, given.owner, take_over=given.take_over)
    except EndError as error:
        _log.log(logging.ERROR if error.exit_code else logging.INFO, error)
        return error.exit_code
    return 0


def stream(settings: Settings, trigger: Trigger, owner: str, *, take_over: bool) -> None:
    """Judges and loads until a person stops it; if bounded, only the backlog. Raises EndError for any other end."""
    stop = Stop()
    signal.signal(signal.SIGTERM, lambda *_: stop.ask())
    outside = Outside(settings)
    count = partitions.of_logs(outside, settings.topic_partitions)
    spark = session.build(names.DRIVER, slots.conf(settings, session.master(), count, trigger))
    empty_scratch = session.take_scratch(spark, settings, names.DRIVER)
    judge.register(spark, settings)
    slots.wait(spark, stop.pause)
    database = Database.of(settings)
    troubles = Troubles(settings.troubles, _log)
    mysql = Patience(stop, troubles, lasts=trigger != "available-now")
    mysql.retry(lambda: inputs.wait(database, outside, _INPUTS_SECONDS, stop.pause))
    mysql.retry(lambda: topic_ids.check(database, outside))
    contract = reading.current()
    mysql.retry(lambda: contracts.check(database, contract))
    known = mysql.retry(lambda: users.Users(spark, settings))
    holder = session.holder(spark)
    ours = mysql.retry(lambda: holding.take(database, names.DRIVER, owner, take_over, holder, stop.pause))
    _log.info("lease %s, trigger %s, %d partitions", ours, trigger, count)
    empty_scratch()
    classifying = Classifying(spark, settings, outside, trigger, database, known, ours.epoch, stop, troubles)
    bounded = trigger == "available-now"
    place = places.of(spark, outside, database)
    begin_load = partial(reader.begin, place, outside, database, ours, troubles, bounded=bounded)
    record_version = partial(ours.record_users_version, database)
    try:
        with holding.held(ours, database, stop.ask, stop.ask, classifying.settle, troubles):
            # A rejudgement after the users were read did not wait for this driver, which had no lease yet.
            mysql.retry(lambda: known.follow(database))
            if bounded:
                record_version(known.version)
                # One after the other, so that the whole backlog is judged and loaded.
                queries.run({classifying.name: classifying.begin}, stop, can_skip_failure=classifying.can_skip_failure)
                queries.run({Loading.name: begin_load}, stop)
            else:
                with (
                    partitions.watched(outside, count, on_more=stop.ask),
                    contracts.watched(database, contract, on_other=stop.ask),
                    users.watched(known, database, classifying.judging, record_version, stop.ask, troubles),
                ):
                    # load first: the first logs of classify may take long.
                    queries.run(
                        {Loading.name: begin_load, classifying.name: classifying.begin},
                        stop,
                        report=troubles.report,
                        is_outdated=classifying.is_outdated,
                        can_skip_failure=classifying.can_skip_failure,
                    )
                if not stop.asked.is_set():
                    raise QueryFailedError("a query ended unexpectedly, without an error")
    finally:
        troubles.clear_all()
        spark.stop()


if __name__ == "__main__":
    faulthandler.register(signal.SIGUSR1)
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    _log.setLevel(logging.INFO)
    sys.exit(main(sys.argv[1:]))
