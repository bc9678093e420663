"""The rules that decide a log's status, top to bottom. Nothing else decides one.

A rule is a column that is null when the record is fine, and else the reason's word.
"""

from collections.abc import Callable
from typing import Final

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from include import names
from jobs import careful, records
from jobs.users import device_on

Rule = Callable[[str], Column]

_SECONDS_A_DAY: Final = 86_400


def _reason(failed: Column, word: str) -> Column:
    return F.when(failed, F.lit(word))


def missing(field: str) -> Column:
    """The object has no such name."""
    return _reason(records.fault(field) == careful.MISSING, names.missing(field))


def null(field: str) -> Column:
    """The field is JSON null."""
    return _reason(records.fault(field) == careful.NULL, names.null(field))


def invalid(field: str) -> Column:
    """The field is no text, or, where an integer is expected, none of its range."""
    return _reason(records.fault(field) == careful.INVALID, names.invalid(field))


def empty(field: str) -> Column:
    """A text field is the empty string."""
    return _reason(records.value(field) == "", names.empty(field))


def too_long(field: str) -> Column:
    """A text field has more than MAX_TEXT characters, counted in code points."""
    return _reason(F.char_length(records.value(field)) > names.MAX_TEXT, names.too_long(field))


INTEGER_RULES: Final[tuple[Rule, ...]] = (missing, null, invalid)
TEXT_RULES: Final[tuple[Rule, ...]] = (*INTEGER_RULES, empty, too_long)


def field_rules(field: str) -> list[Column]:
    """The rules of one field, in the order of their reasons."""
    rules = TEXT_RULES if field in names.TEXT_FIELDS else INTEGER_RULES
    return [rule(field) for rule in rules]


def unknown_account() -> Column:
    """The users dimension does not know the account, on the day of the event."""
    return _reason(F.col("user_device").isNull(), names.UNKNOWN_ACCOUNT)


def unexpected_device() -> Column:
    """The users dimension gives the account another device on that day. It is a binary comparison: iOS is not IOS."""
    return _reason(F.col("user_device") != F.col("device"), names.UNEXPECTED_DEVICE)


def bad_reasons() -> Column:
    """Every broken rule of a record as read by jobs/records.py, array<string>; not_json stands alone."""
    words = F.concat_ws(" ", *(rule for field in names.FIELDS for rule in field_rules(field)))
    # array_compact would do it too, but has its arguments, so every rule, interpreted and not compiled.
    broken = F.when(words == "", _none()).otherwise(F.split(words, " "))
    found = F.when(records.is_json(), broken).otherwise(F.array(F.lit(names.NOT_JSON)))
    return F.when(records.is_well_formed(), _none()).otherwise(found)


def user_reason() -> Column:
    """The broken rule of a well-formed record that was joined with its user, or null: one excludes the other."""
    return F.coalesce(unknown_account(), unexpected_device())


def _none() -> Column:
    return F.array().cast("array<string>")


def judge(logs: DataFrame, users: DataFrame) -> DataFrame:
    """The verdict of each log, in a stream or in a bounded frame.

    `logs`: partition, offset, timestamp, value, as the Kafka source gives them. `users`: as `users.read` gives them.
    Gives what `judge_records` gives.
    """
    return judge_records(records.read(logs), users)


def judge_records(read: DataFrame, users: DataFrame, *others: str) -> DataFrame:
    """The verdict of each record, `read` as `records.read` gives them; its columns `others` are passed on.

    Gives: the six fields (account_id int, event_timestamp timestamp; null where they break a rule), status, reasons
    array<string>, kafka_partition, kafka_offset, received_at timestamp, users_version int, raw binary and raw_size int
    (null unless bad), is_plain.
    """
    version = users.agg(F.max("users_version")).scalar()
    device = device_on(F.col("periods"), F.expr(f"event_timestamp div {_SECONDS_A_DAY}"))
    accounts = F.broadcast(users.select("account_no", "periods"))
    joined = (
        read.withColumn("_bad", bad_reasons())
        .join(accounts, F.col("account_id") == F.col("account_no"), how="left")
        .withColumn("user_device", device)
    )
    is_bad = F.size("_bad") > 0
    status = F.when(is_bad, names.BAD).when(user_reason().isNotNull(), names.SUSPICIOUS).otherwise(names.GOOD)
    reasons = F.when(is_bad, F.col("_bad")).when(user_reason().isNull(), _none()).otherwise(F.array(user_reason()))
    return joined.select(
        *(_kept(field).alias(field) for field in names.FIELDS),
        status.alias("status"),
        reasons.alias("reasons"),
        F.col("partition").alias("kafka_partition"),
        F.col("offset").alias("kafka_offset"),
        F.col("timestamp").alias("received_at"),
        version.alias("users_version"),
        F.when(is_bad, F.substring("value", 1, names.MAX_RAW)).alias("raw"),
        F.when(is_bad, F.octet_length("value")).alias("raw_size"),
        "is_plain",
        *others,
    )


def _kept(field: str) -> Column:
    """The field as it stands in the verdict: as it came, or null if it breaks one of its rules."""
    value = F.timestamp_seconds(field) if field == "event_timestamp" else F.col(field)
    return F.when(F.coalesce(*field_rules(field)).isNull(), value)
