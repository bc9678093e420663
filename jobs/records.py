"""Bytes to a typed record: a log's value is read as one strict JSON object (RFC 8259), each field as its type.

Catalyst expressions only. Nearly all logs are plain, and read by one regular expression (jobs/plain.py); every other
gets a careful look, which costs several times as much (jobs/careful.py).
"""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from include import names
from jobs import careful
from jobs.plain import PLAIN, READ, SEPARATOR


def is_well_formed() -> Column:
    """Whether the record is known to break no rule of form; `is_json`, `value` and `fault` are for others."""
    return F.col("careful").isNull()


def is_json() -> Column:
    """Whether it is a JSON object."""
    return F.col("careful.is_json")


def value(field: str) -> Column:
    """The field; null where not readable."""
    return F.col(f"careful.{field}.value")


def fault(field: str) -> Column:
    """Why the field could not be read: a word of jobs/careful.py; null when it was."""
    return F.col(f"careful.{field}.fault")


def read(logs: DataFrame) -> DataFrame:
    """Logs with `value` (binary), read: every column of `logs`, and

    the six fields (`account_id` int, `event_timestamp` bigint seconds, the others string; null where not readable),
    `is_plain` (boolean: well formed, and no text of it needs an escape in JSON; its `value` is dropped, null), and
    `careful`: see `is_well_formed`.
    """
    text = F.col("value").cast("string")
    glanced = logs.withColumn("_glance", F.regexp_replace(text, PLAIN, READ))
    # What does not match is left as it is, and nobody shall send something that looks read. Bytes that are no UTF-8
    # were read as U+FFFD.
    is_read = (
        F.col("_glance").startswith(SEPARATOR) & ~text.startswith(SEPARATOR) & ~F.col("_glance").contains("\ufffd")
    )
    plain = glanced.withColumn("_plain", F.when(is_read, F.split("_glance", SEPARATOR)))
    is_plain = F.col("_plain").isNotNull()
    looked = plain.withColumns(
        {"careful": F.when(~is_plain, careful.look(text)), "value": F.when(~is_plain, F.col("value"))}
    )
    read = []
    for place, field in enumerate(names.FIELDS, start=1):
        one = F.get("_plain", F.lit(place)).cast(careful.TYPES.get(field, "string"))
        read.append(F.when(is_plain, one).otherwise(value(field)).alias(field))
    return looked.select(*logs.columns, *read, is_plain.alias("is_plain"), "careful")


def well_formed(rows: DataFrame) -> DataFrame:
    """Rows with the six fields as `read` gives them, none null, and whatever else: as `read` would give their logs."""
    nothing = F.lit(None).cast("string")
    added = {
        "value": nothing.cast("binary"),
        "is_plain": F.lit(False),
        "careful": F.when(F.lit(False), careful.look(nothing)),
    }
    return rows.withColumns(added)
