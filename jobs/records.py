"""Bytes to a typed record: a log's value is read as one strict JSON object (RFC 8259), each field as its type.

Catalyst expressions only. Nearly all logs are plain, and read by one regular expression (jobs/plain.py); every other
gets a careful look, which costs several times as much (jobs/careful.py), and is held against the rules of form.
"""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from include import names
from jobs import careful, rules
from jobs.plain import PLAIN, READ, SEPARATOR


def read(logs: DataFrame) -> DataFrame:
    """Logs with `value` (binary), read: every column of `logs`, and

    the six fields (`account_id` int, `event_timestamp` bigint seconds, the others string; null where they break a
    rule), `reasons` (array<string>: of the rules of form that it breaks; may be null when there are none), and
    `is_plain` (boolean: see jobs/plain.py; its texts need no escape in JSON, and its `value` is given as null).
    """
    text = F.col("value").cast("string")
    glanced = logs.withColumn("_glance", F.regexp_replace(text, PLAIN, READ))
    # What does not match is left as it is, but for bytes that are no UTF-8: they become U+FFFD.
    is_plain = F.coalesce((F.col("_glance") != text) & ~F.col("_glance").contains("\ufffd"), F.lit(False))
    told_apart = glanced.withColumn("is_plain", is_plain).withColumns(
        {
            "_glance": F.when(F.col("is_plain"), F.col("_glance")),
            "value": F.when(~F.col("is_plain"), F.col("value")),
            "_text": F.when(~F.col("is_plain") & F.is_valid_utf8(text), text),
        }
    )
    form = careful.once(careful.look(F.col("_text")), rules.form)
    looked = told_apart.withColumn("_form", F.when(~F.col("is_plain"), form))
    return looked.withColumn("_parts", F.split("_glance", SEPARATOR)).select(
        *logs.columns,
        *(_field(field).alias(field) for field in names.FIELDS),
        F.col("_form.reasons").alias("reasons"),
        "is_plain",
    )


def _field(field: str) -> Column:
    glanced = F.get("_parts", F.lit(names.FIELDS.index(field)))
    return F.coalesce(glanced.cast(careful.TYPES.get(field, "string")), F.col(f"_form.{field}"))


def well_formed(rows: DataFrame) -> DataFrame:
    """Rows with the six fields as `read` gives them, none null, and whatever else: as `read` would give their logs."""
    no_value, no_reasons = F.lit(None).cast("binary"), F.lit(None).cast("array<string>")
    return rows.withColumns({"value": no_value, "reasons": no_reasons, "is_plain": F.lit(False)})
