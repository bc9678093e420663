"""Judges chosen logs again, by the rules and users of today, and sends corrected verdicts to the status topic.

Bounded, and beside the living stream: `load` and the indexer take a second verdict of an origin for the better one, so
nothing else is written and no lease is needed. Exits with 1, and the reason as its last error, when it refused.
"""

import argparse
import logging
import re
import secrets
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from pyspark import StorageLevel
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from include import hops, names
from include.rejudgement import Change, Range, Report
from include.settings import Settings
from jobs import classify, inputs, positions, rules, session, sources, topic_ids, users
from jobs.database import Database

_ORIGIN: Final = ["kafka_partition", "kafka_offset"]
_RUNS: Final = "map<string, array<array<bigint>>>"

_log = logging.getLogger("logsieve")


class NotLoadedError(RuntimeError):
    """An origin that the stream has not judged and loaded yet: it will do so itself."""


@dataclass(frozen=True)
class Chosen:
    """Logs as in `sources.logs`; their stored verdicts (kafka_partition, kafka_offset, status, reasons as JSON)."""

    logs: DataFrame
    stored: DataFrame
    gone: list[Range]


def by_origins(spark: SparkSession, settings: Settings, file: Path, loaded: dict[int, int]) -> Chosen:
    """The logs of the origins in the file: JSON, {"<partition>": [[first offset, last offset], …]}.

    `loaded`: the first offset of each partition that is not loaded. Raises NotLoadedError.
    """
    wanted = (
        spark.read.text(f"file://{file.resolve()}", wholetext=True)
        .select(F.explode(F.from_json("value", _RUNS, {"mode": "FAILFAST"})).alias("partition", "runs"))
        .select(F.col("partition").cast("int"), F.explode("runs").alias("run"))
        .select("partition", F.explode(F.sequence(F.col("run")[0], F.col("run")[1])).alias("offset"))
        .distinct()
    )
    bounds = _bounds(wanted)
    for found in bounds:
        if found.last >= loaded.get(found.partition, 0):
            key = names.origin_key(found.partition, found.last)
            raise NotLoadedError(f"{key} is not loaded yet: the stream judges it itself. See ./logsieve status")
    logs, gone = _from_topic(spark, settings, wanted, bounds)
    within = [f"kafka_partition = {b.partition} AND kafka_offset BETWEEN {b.first} AND {b.last}" for b in bounds]
    tables = " UNION ALL ".join(
        f"SELECT kafka_partition, kafka_offset, CAST(status AS CHAR(16)) AS status, reasons"  # noqa: S608
        f" FROM {names.LOGS_DATABASE}.{table} WHERE {' OR '.join(within) or 'FALSE'}"
        for table in names.TABLES.values()
    )
    return Chosen(logs, sources.rows(spark, settings, tables), gone)


def by_reason(
    spark: SparkSession, settings: Settings, reason: str, begin: datetime | None, end: datetime | None
) -> Chosen:
    """The stored bad logs with the reason that were received in [begin, end), of the bytes that were kept.

    Those of which only the first bytes were kept are read from the topic.
    """
    where = [f"""JSON_CONTAINS(reasons, '"{reason}"')"""]
    where += [f"received_at {sign} '{time:%F %T.%f}'" for sign, time in ((">=", begin), ("<", end)) if time]
    bad = sources.rows(
        spark,
        settings,
        # A number, as a DATETIME would go through the time zones of JDBC and of the JVM.
        "SELECT kafka_partition, kafka_offset, CAST(status AS CHAR(16)) AS status, reasons, raw,"  # noqa: S608
        " IFNULL(LENGTH(raw) < raw_size, 0) AS is_cut, TIMESTAMPDIFF(MICROSECOND, '1970-01-01', received_at) AS micros"
        f" FROM {names.LOGS_DATABASE}.{names.TABLES[names.BAD]} WHERE {' AND '.join(where)}",
    ).persist(StorageLevel.DISK_ONLY)
    origin = [F.col("kafka_partition").alias("partition"), F.col("kafka_offset").alias("offset")]
    whole = bad.filter("is_cut = 0").select(*origin, F.timestamp_micros("micros").alias("timestamp"), F.col("raw"))
    cut = bad.filter("is_cut = 1").select(*origin)
    again, gone = _from_topic(spark, settings, cut, _bounds(cut))
    return Chosen(whole.withColumnRenamed("raw", "value").unionByName(again), bad, gone)


def _bounds(origins: DataFrame) -> list[Range]:
    """How many origins of each partition, from which to which offset."""
    counted = origins.groupBy("partition").agg(F.min("offset"), F.max("offset"), F.count("*"))
    return [Range(*row) for row in counted.orderBy("partition").collect()]


def _from_topic(
    spark: SparkSession, settings: Settings, wanted: DataFrame, bounds: list[Range]
) -> tuple[DataFrame, list[Range]]:
    """The logs of these origins (partition, offset), and those that are no longer in the topic."""
    with hops.looking(settings.kafka_bootstrap, names.DRIVER) as consumer:
        kept = hops.topic_ranges(consumer, names.LOGS_TOPIC)
    ranges = {b.partition: (max(b.first, kept[b.partition][0]), b.last + 1) for b in bounds}
    ranges = {number: (first, end) for number, (first, end) in ranges.items() if first < end}
    removed = F.lit(False)
    for b in bounds:
        removed |= (F.col("partition") == b.partition) & (F.col("offset") < kept[b.partition][0])
    gone = _bounds(wanted.filter(removed)) if any(b.first < kept[b.partition][0] for b in bounds) else []
    if not ranges:
        none = [F.lit(None).cast(kind).alias(name) for name, kind in (("timestamp", "timestamp"), ("value", "binary"))]
        return wanted.filter("false").select("*", *none), gone
    return sources.logs_between(spark, settings, ranges).join(wanted, ["partition", "offset"], how="left_semi"), gone


def compare(judged: DataFrame, stored: DataFrame) -> DataFrame:
    """Verdicts of `rules.judge` with `was` (the stored status, null: none) and `changed` (whether they differ)."""
    before = stored.select(*_ORIGIN, F.col("status").alias("was"), F.from_json("reasons", "array<string>").alias("why"))
    is_same = F.col("was").eqNullSafe(F.col("status")) & F.col("why").eqNullSafe(F.col("reasons"))
    return judged.join(before, _ORIGIN, how="left").withColumn("changed", ~is_same).drop("why")


def send(verdicts: DataFrame, settings: Settings, run: str) -> None:
    """Appends verdicts of `rules.judge` to the status topic, marked as corrections of the run."""
    header = F.struct(F.lit(names.REJUDGED).alias("key"), F.lit(run.encode()).alias("value"))
    (
        classify.messages(verdicts)
        .withColumn("headers", F.array(header))
        .write.format("kafka")
        .option("kafka.bootstrap.servers", settings.kafka_bootstrap)
        .option("topic", names.STATUS_TOPIC)
        .save()
    )


def rejudge(spark: SparkSession, settings: Settings, given: argparse.Namespace) -> Report:
    """Judges, compares, sends. Raises NotLoadedError and what `inputs.wait` and `topic_ids.check` raise."""
    database = Database.of(settings)
    inputs.wait(database, settings, 0)
    topic_ids.check(database, settings)
    if given.origins:
        chosen = by_origins(spark, settings, given.origins, positions.behind_loaded(database, "last_offset"))
    else:
        chosen = by_reason(spark, settings, given.reason, given.begin, given.end)
    # Once for the report and for what is sent: the users may change in between.
    verdicts = compare(rules.judge(chosen.logs, users.read(spark, settings)), chosen.stored)
    verdicts = verdicts.persist(StorageLevel.DISK_ONLY)
    counted = verdicts.groupBy("was", F.col("status").alias("now"), "changed").agg(F.count("*").alias("logs"))
    changes = [Change(**row.asDict()) for row in counted.orderBy("was", "now", "changed").collect()]
    run = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}"
    # Origins are given to mend what a hop lost, which the tables may not tell.
    to_send = verdicts if given.origins else verdicts.filter("changed")
    count = sum(change.logs for change in changes if given.origins or change.changed)
    if given.dry_run or not count:
        return Report(run, changes, chosen.gone)
    send(to_send, settings, run)
    return Report(run, changes, chosen.gone, count)


def _utc(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    return time.astimezone(UTC) if time.tzinfo else time


def _reason(text: str) -> str:
    if not re.fullmatch("[a-z0-9_]{1,64}", text):
        raise argparse.ArgumentTypeError("a reason is one word of small letters and _")
    return text


def main(arguments: list[str]) -> int:
    """Runs the job; gives its exit code."""
    parser = argparse.ArgumentParser(prog="rejudge_logs", description=__doc__)
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--origins", type=Path, help='a file with {"<partition>": [[first offset, last offset], …]}')
    which.add_argument("--reason", type=_reason, help="of the stored bad logs")
    parser.add_argument("--from", dest="begin", type=_utc, help="received at or after, UTC; with --reason")
    parser.add_argument("--to", dest="end", type=_utc, help="received before, UTC; with --reason")
    parser.add_argument("--dry-run", action="store_true", help="sends nothing")
    parser.add_argument("--report", type=Path, required=True, help="file to write: see include/rejudgement.py")
    given = parser.parse_args(arguments)
    spark = session.build("rejudge_logs")
    try:
        report = rejudge(spark, Settings(), given)
    except (NotLoadedError, inputs.NotProvisionedError, topic_ids.OtherTopicError) as error:
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
