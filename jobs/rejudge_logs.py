"""Judges chosen logs again, with the current rules and users, and sends corrected verdicts to the status topic.

Bounded; it runs beside the stream: `load` and the indexer replace an origin's verdict with a later one, so nothing else
is written and no lease is needed. Exits with 1, and the reason as its last logged error, if it refuses.
"""

import argparse
import logging
import re
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from pyspark import StorageLevel
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from include import names, retries
from include.clients.outside import Outside
from include.contract import reading, reasons
from include.driver import lease
from include.driver.rejudgement import LOCK, Change, Report
from include.settings import Settings
from include.topics import catch_up, hops, marks
from include.users.shape import Shape, Value
from jobs import session
from jobs.database import Database, number
from jobs.driver import contracts, inputs, slots, topic_ids
from jobs.ends import EndError
from jobs.judging import classify, judge, users
from jobs.rejudging import chosen, topic_logs
from jobs.rejudging.chosen import Chosen, NotLoadedError

_LOCK_SECONDS: Final = 600
_USERS_SECONDS: Final = 120
_PAUSE_SECONDS: Final = 0.3
_NOW: Final = "status string, reasons array<string>"

_log = logging.getLogger("logsieve")


@contextmanager
def alone(database: Database) -> Iterator[None]:
    """Excludes other runs, which might correct the same old verdict at the same time. Raises NotLoadedError."""
    with closing(database.connect()) as connection, closing(connection.cursor()) as cursor:
        if not number(cursor, "SELECT GET_LOCK(%s, %s)", LOCK, _LOCK_SECONDS):
            raise NotLoadedError(f"another run has been rejudging logs for over {_LOCK_SECONDS} s: try again later")
        yield


def caught_up(database: Database, outside: Outside) -> int:
    """Returns the current version of the users, once every verdict that used an older one is in the tables.

    Waits until the stream has recorded that it uses this version, then until its earlier verdicts are loaded. Raises
    NotLoadedError.
    """
    with closing(database.connect()) as connection, closing(connection.cursor()) as cursor:
        connection.autocommit = True
        version = number(cursor, users.VERSION) or 0

        def has_switched() -> bool:
            stream = lease.read(cursor)
            return stream is None or stream.ended_epoch >= stream.epoch or (stream.users_version or 0) >= version

        late = NotLoadedError(
            f"the stream has not switched to version {version} of the users within {_USERS_SECONDS} s:"
            " see ./logsieve status"
        )
        retries.until(has_switched, _USERS_SECONDS, lambda _: late, pause=_PAUSE_SECONDS)
        with outside.looking(names.DRIVER) as consumer:
            try:
                catch_up.wait(consumer, cursor)
            except catch_up.NotLoadedInTimeError as error:
                raise NotLoadedError(str(error)) from error
        return version


def compare(judged: DataFrame) -> DataFrame:
    """Adds to verdicts with the columns WAS their `status`, and `changed`: whether status or reasons differ."""
    now = judged.withColumn("_now", F.from_json("verdict", _NOW))
    is_same = F.col("was").eqNullSafe(F.col("_now.status")) & F.col("was_reasons").eqNullSafe(F.col("_now.reasons"))
    return now.withColumns({"status": F.col("_now.status"), "changed": ~is_same}).drop("_now", "value")


def send(verdicts: DataFrame, outside: Outside, run: str) -> None:
    """Appends verdicts of `compare` to the status topic, marked as corrections by the run."""
    (
        classify.messages(verdicts, (names.REJUDGED, run.encode()))
        .write.format("kafka")
        .options(**outside.kafka_for_spark)
        .option("topic", names.STATUS_TOPIC)
        .save()
    )


def rejudge(spark: SparkSession, settings: Settings, database: Database, given: argparse.Namespace) -> Report:
    """Judges the chosen logs, compares, and sends corrections. Raises EndError."""
    outside = Outside(settings)
    inputs.wait(database, outside, 0)
    topic_ids.check(database, outside)
    contracts.check(database, reading.current())
    if given.changes or given.events:
        chosen.of_dimension()
    version = caught_up(database, outside) if given.changes or given.events else 0
    found = _choose(spark, settings, outside, database, given, version)
    # A manually edited row may already have the highest revision.
    revision = F.least(F.coalesce(F.col("was_revision"), F.lit(0)), F.lit(2**31 - 2)) + 1
    judged = judge.judge(found.logs, users.read(spark, settings).persist(), revision, are_of_rows=found.are_of_rows)
    if topic_logs.UNREADABLE in judged.columns:
        judged = judged.withColumn("verdict", topic_logs.verdict(revision)).drop(topic_logs.UNREADABLE)
    # Computed once for both the report and the verdicts sent: the users may change in between.
    verdicts = compare(judged).persist(StorageLevel.DISK_ONLY)
    counted = verdicts.groupBy("was", F.col("status").alias("now"), "changed").agg(F.count("*").alias("logs"))
    changes = [Change(**row.asDict()) for row in counted.orderBy("was", "now", "changed").collect()]
    run = marks.run_id(_cause(given))
    # Origins are given to repair what a hop lost, which the tables may not show.
    to_send = verdicts if given.origins else verdicts.filter("changed")
    count = sum(change.logs for change in changes if given.origins or change.changed)
    if given.dry_run or not count:
        count = 0
    else:
        send(to_send, outside, run)
    return Report(run, changes, found.gone, count, version if given.changes else 0)


def _cause(given: argparse.Namespace) -> str:
    if given.origins:
        return names.REPAIR
    return names.REPLAY if given.reason else names.REJUDGEMENT


def _choose(
    spark: SparkSession,
    settings: Settings,
    outside: Outside,
    database: Database,
    given: argparse.Namespace,
    version: int,
) -> Chosen:
    if given.origins:
        with database.session() as connection, closing(connection.cursor()) as cursor:
            loaded, expired = hops.read_loaded_logs(cursor), hops.read_expired(cursor)
        return chosen.by_origins(spark, settings, outside, given.origins, loaded, expired)
    if given.reason:
        return chosen.by_reason(spark, settings, outside, given.reason, given.begin, given.end)
    if given.changes:
        return chosen.by_changes(spark, settings, version)
    return chosen.by_events(spark, settings, given.begin, given.end, given.account)


def _utc(text: str) -> datetime | None:
    time = datetime.fromisoformat(text) if text else None
    return time.astimezone(UTC) if time and time.tzinfo else time


def _reason(text: str) -> str:
    if not re.fullmatch(f"[a-z0-9_]{{1,{reasons.MOST_CHARACTERS}}}", text):
        raise argparse.ArgumentTypeError(
            f"a reason has 1 to {reasons.MOST_CHARACTERS} characters out of a-z, 0-9 and _"
        )
    return text


def _account(text: str) -> Value:
    shape = Shape.of(reading.current())
    try:
        return shape.account(text) if shape else text
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def main(arguments: list[str]) -> int:
    """Runs the job; returns its exit code."""
    parser = argparse.ArgumentParser(prog="rejudge_logs", description=__doc__)
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--origins", type=Path, help='a file with {"<partition>": [[first offset, last offset], …]}')
    which.add_argument("--reason", type=_reason, help="the stored bad logs with this reason")
    which.add_argument("--events", action="store_true", help="the stored logs that are not bad")
    which.add_argument("--changes", action="store_true", help="the stored logs that changes of the users may affect")
    parser.add_argument("--from", dest="begin", type=_utc, help="UTC; received (with --events: event) at or after")
    parser.add_argument("--to", dest="end", type=_utc, help="UTC; received (with --events: event) before")
    parser.add_argument("--account", type=_account, action="append", help="with --events: only this one; repeatable")
    parser.add_argument("--dry-run", action="store_true", help="send nothing")
    parser.add_argument("--report", type=Path, required=True, help="report to write, see include/driver/rejudgement.py")
    given = parser.parse_args(arguments)
    settings = Settings()
    database = Database.of(settings)
    resources = slots.conf(settings, session.master(), settings.topic_partitions, "available-now")
    spark = session.build(names.REJUDGE, resources)
    try:
        empty_scratch = session.take_scratch(spark, settings, names.REJUDGE)
        judge.register(spark, settings)
        with alone(database):
            empty_scratch()
            report = rejudge(spark, settings, database, given)
    except EndError as error:
        _log.error(error)
        return 1
    finally:
        spark.stop()
    given.report.write_text(report.to_json())
    _log.info("%s", report)
    return 0


if __name__ == "__main__":
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    _log.setLevel(logging.INFO)
    sys.exit(main(sys.argv[1:]))
