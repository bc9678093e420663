"""The rules as in the first descriptions of this pipeline: Spark's own JSON functions, with a column for each field.

They meet Logsieve's contract: tests/spark/test_bench_by_columns.py checks every worked case. They are tuned as far as
these functions allow: each log is parsed once, in code that Spark compiles.
"""

from typing import Final

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from include import names
from include.contract.reasons import NOT_JSON, empty, invalid, missing, null, too_long
from include.source.shipped import FIELDS, MAX_TEXT, MAX_TIMESTAMP, TEXT_FIELDS, UNEXPECTED_DEVICE, UNKNOWN_ACCOUNT

_RANGES: Final = {
    "account_id": ("int", -(2**31), 2**31 - 1),
    "event_timestamp": ("bigint", 0, MAX_TIMESTAMP),
}
_SPACE: Final = r"[ \t\n\r]*+"
_NUMBER: Final = r"-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?+(?:[eE][+-]?[0-9]++)?+"
# A number outside strings: quoted before the parse, which would otherwise change how it is written.
_BARE_NUMBER: Final = rf'(?s)\G((?:[^"0-9-]++|"(?:[^"\\]++|\\.)*+")*+)({_NUMBER})(?![0-9.eE+-]|{_SPACE}:)'
# Spark ignores text after the object. Inside an array, such text would displace this second element.
_END: Final = "__end__"


def read(logs: DataFrame) -> DataFrame:
    """Adds to logs of the Kafka source the six fields, typed, null if they break a rule, and `reasons`."""
    text = F.col("value").cast("string")
    quoted = F.regexp_replace(text, _BARE_NUMBER, '$1"$2"')
    whole = F.concat(F.lit("["), quoted, F.lit(f',{{"{_END}":""}}]'))
    is_fine = F.is_valid_utf8(text) & ~_has_lone_surrogate(text) & text.rlike(rf"\A{_SPACE}\{{")
    parsed = logs.withColumn("_log", F.when(is_fine, F.try_parse_json(whole)))
    is_json = F.coalesce(F.variant_get("_log", f"$[1].{_END}", "variant").isNotNull(), F.lit(False))
    found = parsed.withColumn("_is_json", is_json).withColumns(
        {f"_{field}": F.variant_get("_log", f"$[0].{field}", "variant") for field in FIELDS}
    )
    typed = found.withColumns({field: _value(field) for field in FIELDS})
    rules = F.array_compact(F.array(*(_broken(field) for field in FIELDS)))
    reasons = F.when(F.col("_is_json"), rules).otherwise(F.array(F.lit(NOT_JSON)))
    judged = typed.withColumn("reasons", reasons)
    is_short = {field: F.char_length(field).between(1, MAX_TEXT) for field in TEXT_FIELDS}
    kept = {field: F.when(F.col("_is_json") & short, F.col(field)) for field, short in is_short.items()}
    return judged.withColumns(kept | {field: F.when(F.col("_is_json"), F.col(field)) for field in _RANGES})


def judge(logs: DataFrame, users: DataFrame) -> DataFrame:
    """The verdicts: the six fields, status, reasons, kafka_partition, kafka_offset, received_at, users_version, raw.

    `users`: rows of the history with account_no, first_day and end_day (days since 1970; null: still valid),
    user_device, users_version.
    """
    day = F.col("event_timestamp") / 86_400
    is_user = (F.col("account_id") == F.col("account_no")) & (day >= F.col("first_day"))
    is_user &= F.col("end_day").isNull() | (day < F.col("end_day"))
    joined = read(logs).join(F.broadcast(users.drop("users_version")), is_user, how="left")
    is_bad = F.size("reasons") > 0
    reason = F.when(F.col("user_device").isNull(), UNKNOWN_ACCOUNT).when(
        F.col("user_device") != F.col("device"), UNEXPECTED_DEVICE
    )
    status = F.when(is_bad, names.BAD).when(reason.isNotNull(), names.SUSPICIOUS).otherwise(names.GOOD)
    reasons = F.when(is_bad, F.col("reasons")).otherwise(F.array_compact(F.array(reason)))
    return joined.select(
        *(F.timestamp_seconds(field).alias(field) if field == "event_timestamp" else field for field in FIELDS),
        status.alias("status"),
        reasons.alias("reasons"),
        F.col("timestamp").alias("received_at"),
        F.col("partition").alias("kafka_partition"),
        F.col("offset").alias("kafka_offset"),
        users.agg(F.max("users_version")).scalar().alias("users_version"),
        F.lit(0).alias("revision"),
        F.when(is_bad, F.substring("value", 1, names.MAX_RAW)).alias("raw"),
        F.when(is_bad, F.octet_length("value")).alias("raw_size"),
    )


def messages(judged: DataFrame) -> DataFrame:
    """Verdicts of `judge` as status messages: key, value (JSON), partition."""
    written = {
        **{field: F.col(field) for field in FIELDS},
        "event_timestamp": F.date_format("event_timestamp", "yyyy-MM-dd'T'HH:mm:ss'Z'"),
        "status": F.col("status"),
        "reasons": F.col("reasons"),
        "origin": F.struct("kafka_partition", "kafka_offset"),
        "received_at": F.date_format("received_at", "yyyy-MM-dd'T'HH:mm:ss.SSS'Z'"),
        "users_version": F.col("users_version"),
        "revision": F.col("revision"),
    }
    # Spark writes MIME with line breaks; the contract requires plain base64.
    raw = {"raw": F.replace(F.base64("raw"), F.lit("\r\n"), F.lit("")), "raw_size": F.col("raw_size")}
    value = F.when(F.col("status") == names.BAD, _json(written | raw)).otherwise(_json(written))
    key = F.concat_ws("-", "kafka_partition", "kafka_offset")
    return judged.select(key.alias("key"), value.alias("value"), F.col("kafka_partition").alias("partition"))


def _json(members: dict[str, Column]) -> Column:
    named = F.struct(*(column.alias(name) for name, column in members.items()))
    return F.to_json(named, {"ignoreNullFields": "false"})


def _value(field: str) -> Column:
    """The field with its type; null if its value does not have that type."""
    found = F.col(f"_{field}")
    text = F.when(F.schema_of_variant(found) == "STRING", F.variant_get(found, "$", "string"))
    if field not in _RANGES:
        return text
    kind, least, most = _RANGES[field]
    number = F.when(text.rlike(r"^[+-]?[0-9]+\z"), text.try_cast("bigint"))
    return F.when(number.between(least, most), number.cast(kind))


def _broken(field: str) -> Column:
    """The first rule of form that the field breaks, or null."""
    found, value = F.col(f"_{field}"), F.col(field)
    rules = [
        (found.isNull(), missing),
        (F.is_variant_null(found), null),
        (value.isNull(), invalid),
    ]
    if field in TEXT_FIELDS:
        rules += [
            (value == "", empty),
            (F.char_length(value) > MAX_TEXT, too_long),
        ]
    return F.coalesce(*(F.when(failed, rule(field)) for failed, rule in rules))


def _has_lone_surrogate(text: Column) -> Column:
    suspected = text.contains("\\ud") | text.contains("\\uD")
    escapes = F.regexp_replace(text, r"\\[^u]", " ")
    unpaired = F.regexp_replace(escapes, r"\\u[dD][89abAB]..\\u[dD][c-fC-F]..", " ").rlike(r"\\u[dD][89a-fA-F]")
    return F.when(suspected, unpaired).otherwise(False)
