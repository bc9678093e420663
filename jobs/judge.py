"""The judgement: reads logs, joins them with their users, and gives each its verdict by jobs/rules.py.

Long expressions cost more than they do: what Spark compiles into one method of over 8,000 bytes Java does not compile
any more. So what only few logs need is worked out of line (`careful.once`), and columns are asked for once.
"""

from typing import Final

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from include import names
from jobs import records, rules
from jobs.users import by_account, device_on

_SECONDS_A_DAY: Final = 86_400


def judge(logs: DataFrame, users: DataFrame) -> DataFrame:
    """The verdict of each log, in a stream or in a bounded frame.

    `logs`: partition, offset, timestamp, value, as the Kafka source gives them. `users`: as `users.read` gives them.
    Gives what `judge_records` gives.
    """
    return judge_records(records.read(logs), users)


def judge_records(read: DataFrame, users: DataFrame, *others: str) -> DataFrame:
    """The verdict of each record, `read` as `records.read` gives them; its columns `others` are passed on.

    Gives: the six fields (account_id int, event_timestamp timestamp; null where `read` has null), status, reasons
    array<string>, kafka_partition, kafka_offset, received_at timestamp, users_version int, raw binary and raw_size int
    (null unless bad), is_plain boolean (see `records.read`).
    """
    version = users.agg(F.max("users_version")).scalar()
    device = device_on(F.expr(f"event_timestamp div {_SECONDS_A_DAY}"))
    accounts = F.broadcast(by_account(users))
    joined = read.join(accounts, F.col("account_id") == F.col("account_no"), how="left").withColumn(
        "user_device", device
    )
    is_bad = F.size("reasons") > 0
    reason = rules.user_reason()
    status = F.when(is_bad, names.BAD).when(reason.isNotNull(), names.SUSPICIOUS).otherwise(names.GOOD)
    reasons = F.when(is_bad, F.col("reasons")).when(reason.isNull(), _none()).otherwise(F.array(reason))
    return joined.select(
        *(F.timestamp_seconds(field).alias(field) if field == "event_timestamp" else field for field in names.FIELDS),
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


def _none() -> Column:
    return F.array().cast("array<string>")
