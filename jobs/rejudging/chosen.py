"""Chooses the logs to rejudge, by origin, by reason or by users, each with its stored verdict."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

from pyspark import StorageLevel
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from include import names
from include.clients.outside import Outside
from include.contract import reading, reasons
from include.contract.model import Dimension, Field
from include.contract.tables import quoted
from include.driver.rejudgement import Range
from include.settings import Settings
from include.users.shape import KEYS, Value
from jobs import sources
from jobs.ends import EndError
from jobs.rejudging import topic_logs

WAS: Final = ("was", "was_reasons", "was_revision")
"""Columns of the stored verdict: status, reasons as array<string>, revision int; null if no table has the log."""

_STORED: Final = "kafka_partition, kafka_offset, CAST(status AS CHAR(16)) AS status, reasons, revision"
# Numbers, because JDBC and the JVM would apply their time zones to a DATETIME.
_MICROS: Final = "TIMESTAMPDIFF(MICROSECOND, '1970-01-01', received_at) AS _micros"
_FORMS: Final = {
    "seconds": "TIMESTAMPDIFF(SECOND, '1970-01-01', {})",
    "milliseconds": "TIMESTAMPDIFF(MICROSECOND, '1970-01-01', {}) DIV 1000",
    "iso8601": "DATE_FORMAT({}, '%Y-%m-%dT%H:%i:%s.%fZ')",
}
"""A column in the form in which a log has it."""
# An unreadable log may have no raw at all.
_IS_CUT: Final = f"IFNULL(LENGTH(raw) < raw_size, JSON_CONTAINS(reasons, '\"{reasons.UNREADABLE}\"'))"
_ROWS_AT_ONCE: Final = 10_000
_RUNS: Final = "map<string, array<array<bigint>>>"


class NotLoadedError(EndError):
    """A chosen log is not loaded yet, or the stream does not use the current users yet."""


class ExpiredError(EndError):
    """A chosen log has expired."""


@dataclass(frozen=True)
class Chosen:
    """The chosen logs. `logs`: the Kafka source's columns and WAS, for logs of the topic also UNREADABLE (see
    jobs/rejudging/topic_logs.py); `gone`: logs that exist nowhere anymore; `are_of_rows`: see `value_of_row`."""

    logs: DataFrame
    gone: list[Range] = field(default_factory=list)
    are_of_rows: bool = False


def by_origins(
    spark: SparkSession,
    settings: Settings,
    outside: Outside,
    file: Path,
    loaded: dict[int, int],
    expired: dict[int, int],
) -> Chosen:
    """The logs of the origins in the file: JSON, {"<partition>": [[first offset, last offset], …]}.

    `loaded`: the first offset of each partition that is not loaded; `expired`: the first one that has not expired.
    Raises NotLoadedError and ExpiredError.
    """
    wanted = (
        spark.read.text(f"file://{file.resolve()}", wholetext=True)
        .select(F.explode(F.from_json("value", _RUNS, {"mode": "FAILFAST"})).alias("partition", "runs"))
        .select(F.col("partition").cast("int"), F.explode("runs").alias("run"))
        .select("partition", F.explode(F.sequence(F.col("run")[0], F.col("run")[1])).alias("offset"))
        .distinct()
    )
    bounds = topic_logs.bounds(wanted)
    for found in bounds:
        if found.last >= loaded.get(found.partition, 0):
            key = names.origin_key(found.partition, found.last)
            raise NotLoadedError(f"{key} is not loaded yet: the stream judges it itself. See ./logsieve status")
        if found.first < expired.get(found.partition, 0):
            key = names.origin_key(found.partition, found.first)
            raise ExpiredError(f"{key} has expired and stays as it is. To rejudge the others, run the proof again")
    logs, gone = topic_logs.read(spark, outside, wanted, bounds)
    within = [f"kafka_partition = {b.partition} AND kafka_offset BETWEEN {b.first} AND {b.last}" for b in bounds]
    tables = " UNION ALL ".join(
        f"SELECT {_STORED} FROM {names.LOGS_DATABASE}.{table} WHERE {' OR '.join(within) or 'FALSE'}"
        for table in names.TABLES.values()
    )
    # An origin that is in two tables, which this run may repair, is judged once.
    stored = sources.rows(spark, settings, tables).select(*_origin(), *_was()).dropDuplicates(["partition", "offset"])
    return Chosen(logs.join(stored, ["partition", "offset"], how="left"), gone)


def by_reason(
    spark: SparkSession, settings: Settings, outside: Outside, reason: str, begin: datetime | None, end: datetime | None
) -> Chosen:
    """The stored bad logs with the reason that were received in [begin, end), from their stored bytes.

    Logs of which only the first bytes were stored are read from the topic.
    """
    where = [f"""JSON_CONTAINS(reasons, '"{reason}"')""", *_between("received_at", begin, end)]
    bad = sources.rows(
        spark,
        settings,
        f"SELECT {_STORED}, raw, {_IS_CUT} AS is_cut, {_MICROS}"
        f" FROM {names.LOGS_DATABASE}.{names.TABLES[names.BAD]} WHERE {' AND '.join(where)}",
    ).persist(StorageLevel.DISK_ONLY)
    whole = bad.filter("is_cut = 0").select(*_origin(), _timestamp(), F.col("raw").alias("value"))
    cut = bad.filter("is_cut = 1").select(*_origin())
    again, gone = topic_logs.read(spark, outside, cut, topic_logs.bounds(cut))
    logs = whole.unionByName(again, allowMissingColumns=True)
    return Chosen(logs.join(bad.select(*_origin(), *_was()), ["partition", "offset"], how="left"), gone)


def by_events(
    spark: SparkSession, settings: Settings, begin: datetime | None, end: datetime | None, accounts: Sequence[Value]
) -> Chosen:
    """The stored logs that are not bad, with events in [begin, end), of these accounts, or of all if none are given."""
    dimension = of_dimension()
    where = [f"{_of_log(dimension.key)} IN ({', '.join(map(_literal, accounts))})"] if accounts else []
    return _not_bad(spark, settings, _between(quoted(dimension.at), begin, end), where)


def by_changes(spark: SparkSession, settings: Settings, version: int) -> Chosen:
    """The stored logs whose account and day are in a change of the users, up to this users_version."""
    dimension = of_dimension()
    changes, at = f"{names.USERS_DATABASE}.{names.CHANGES_TABLE} AS made", _of_log(dimension.at)
    touched = (
        f"EXISTS (SELECT 1 FROM {changes} WHERE made.{quoted(dimension.column)} = {_key(dimension)}"
        f" AND made.version <= {version} AND {at} >= made.first_day AND (made.end_day IS NULL OR {at} < made.end_day))"
    )
    # First by the time alone: usually only the last day or two are affected.
    first = f"{quoted(dimension.at)} >= (SELECT MIN(made.first_day) FROM {changes} WHERE made.version <= {version})"
    return _not_bad(spark, settings, [first], [touched])


def _not_bad(spark: SparkSession, settings: Settings, events: list[str], where: list[str]) -> Chosen:
    """`events`: conditions on the event's time alone. An index finds the rows that meet them; only these are read."""
    fields = [f"{_FORMS.get(each.form, '{}').format(quoted(each.name))} AS {quoted(each.name)}" for each in _fields()]
    query = " UNION ALL ".join(
        f"SELECT {_STORED}, {_MICROS}, {', '.join(fields)} FROM {_at(events, names.TABLES[status])}"
        f" WHERE {' AND '.join(where) or 'TRUE'}"
        for status in (names.GOOD, names.SUSPICIOUS)
    )
    rows = sources.rows(spark, settings, query, _ROWS_AT_ONCE)
    return Chosen(rows.select(*_origin(), _timestamp(), value_of_row(), *_was()), are_of_rows=True)


def value_of_row() -> Column:
    """The value of a log that is not bad, rebuilt from its row: its fields beside each other, times in their units.

    Fields without a value are left out. jobs/java/logsieve/ReadRow.java reads it, whatever the log looked like.
    """
    return F.to_json(F.struct(*map(_cell, _fields()))).cast("binary").alias("value")


def _cell(field: Field) -> Column:
    # MySQL's BOOLEAN is a number, and JDBC takes it for one if the query is of two tables.
    cell = F.col(field.name)
    return cell.cast("boolean").alias(field.name) if field.type == "boolean" else cell


def _fields() -> tuple[Field, ...]:
    return reading.current().fields


def of_dimension() -> Dimension:
    """The dimension of the contract.

    Raises NotLoadedError if there is none: then nothing that is not bad can get another verdict.
    """
    if (found := reading.current().dimension) is None:
        raise NotLoadedError("the contract has no dimension, so a log that is not bad is good")
    return found


def _key(dimension: Dimension) -> str:
    """The log's key, comparable with that of the dimension: a text has another collation there."""
    is_text = reading.current().by_name[dimension.key].type == "text"
    return _of_log(dimension.key) + (f" COLLATE {KEYS}" if is_text else "")


def _literal(value: Value) -> str:
    """The value in SQL; a text as its bytes, and is compared so."""
    return str(value) if isinstance(value, int) else f"X'{value.encode().hex()}'"


def _of_log(name: str) -> str:
    return f"log.{quoted(name)}"


def _at(events: list[str], table: str) -> str:
    rows = f"{names.LOGS_DATABASE}.{table}"
    if not events:
        return f"{rows} AS log"
    origins = f"SELECT kafka_partition, kafka_offset FROM {rows} WHERE {' AND '.join(events)}"
    return f"({origins}) AS found STRAIGHT_JOIN {rows} AS log USING (kafka_partition, kafka_offset)"


def _between(column: str, begin: datetime | None, end: datetime | None) -> list[str]:
    return [f"{column} {sign} '{time:%F %T.%f}'" for sign, time in ((">=", begin), ("<", end)) if time]


def _origin() -> list[Column]:
    return [F.col("kafka_partition").alias("partition"), F.col("kafka_offset").alias("offset")]


def _timestamp() -> Column:
    return F.timestamp_micros("_micros").alias("timestamp")


def _was() -> list[Column]:
    status, reasons, revision = WAS
    return [
        F.col("status").alias(status),
        F.from_json("reasons", "array<string>").alias(reasons),
        F.col("revision").alias(revision),
    ]
