"""Bytes to a typed record: a log's value is read as one strict JSON object (RFC 8259), each field as its type.

Catalyst expressions only. Spark's `from_json` alone is not strict, and tells neither a missing field from a null one
nor `true` from "true", and rewrites numbers. So a log is read once the fast way; what that leaves open is settled by
a second look through the variant type, which rows of plain strings never need.

Limits, which RFC 8259 leaves to the reader and beyond which a log is not_json: nesting of 999 levels, numbers of
1,000 digits, names of 50,000 characters, and where the second look is needed, 16 MiB.
"""

import secrets
from typing import Final

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from include import names

MISSING: Final = "missing"
NULL: Final = "null"
INVALID: Final = "invalid"

_INT32: Final = (-(2**31), 2**31 - 1)

# The log is parsed as the first element of an array whose second is this object. Text after the log's own object
# either breaks the array or moves the second element, and nobody can send a name that is drawn when the driver starts.
_END: Final = f"end_{secrets.token_hex(16)}"
_ELEMENTS: Final = f"array<struct<{', '.join(f'{name}: string' for name in (*names.FIELDS, _END))}>>"
_STRICT: Final = {"allowSingleQuotes": "false", "allowNonNumericNumbers": "false"}

# A number outside of strings, after everything before it that is none. Possessive, so that no text makes it backtrack.
_BARE_NUMBER: Final = r'\G((?:[^"0-9-]++|"(?:[^"\\]++|\\.)*+")*+)(-?[0-9][0-9.eE+-]*+)'


def fault(field: str) -> Column:
    """Why the field could not be read: MISSING, NULL, INVALID (of another type, or out of range); null when it was."""
    return F.col(f"{field}_fault")


def read(logs: DataFrame) -> DataFrame:
    """Logs with `value` (binary), read: every column of `logs`, and

    `is_json` (boolean, never null), the six fields (`account_id` int, `event_timestamp` bigint seconds, the others
    string; null where not readable), and `<field>_fault` each (see `fault`; null throughout when not is_json).
    """
    text = F.col("value").cast("string")
    elements = F.from_json(F.concat(F.lit("["), text, F.lit(f',{{"{_END}":""}}]')), _ELEMENTS, _STRICT)
    ended = F.get("_elements", F.lit(1))[_END].isNotNull()
    parsed = (
        logs.withColumn("_elements", F.when(F.is_valid_utf8(text), elements))
        .withColumn("_object", F.when(ended & ~_has_lone_surrogate(text), F.get("_elements", F.lit(0))))
        .withColumn("_doubtful", _is_doubtful())
        .withColumn("_again", F.when(F.col("_doubtful"), F.try_parse_json(_with_quoted_numbers(text))))
    )
    is_json = F.col("_object").isNotNull() & (~F.col("_doubtful") | F.col("_again").isNotNull())
    looked = parsed.select(
        *logs.columns,
        is_json.alias("is_json"),
        *(_string(field).alias(field) for field in names.FIELDS),
        *(F.when(is_json, _second_fault(field)).alias(f"{field}_fault") for field in names.FIELDS),
    )
    return _typed(_typed(looked, "account_id", "int", *_INT32), "event_timestamp", "bigint", 0, names.MAX_TIMESTAMP)


def well_formed(rows: DataFrame) -> DataFrame:
    """Rows with the six fields as `read` gives them, none null, and whatever else: as `read` would give their logs."""
    faults = {f"{field}_fault": F.lit(None).cast("string") for field in names.FIELDS}
    return rows.withColumns({"value": F.lit(None).cast("binary"), "is_json": F.lit(True), **faults})


def _has_lone_surrogate(text: Column) -> Column:
    """Whether an escape is half of a surrogate pair: no UTF-8 text can keep that, Java would put a "?" instead."""
    suspected = text.contains("\\ud") | text.contains("\\uD")
    escapes = F.regexp_replace(text, r"\\[^u]", " ")
    unpaired = F.regexp_replace(escapes, r"\\u[dD][89abAB]..\\u[dD][c-fC-F]..", " ").rlike(r"\\u[dD][89a-fA-F]")
    return F.when(suspected, unpaired).otherwise(False)


def _is_doubtful() -> Column:
    """Whether a field came out as something that a different JSON value may also come out as."""
    doubts = []
    for field in names.FIELDS:
        value = F.col("_object")[field]
        doubts.append(value.isNull())
        if field in names.TEXT_FIELDS:
            # Objects, arrays, booleans, and numbers that Jackson writes in its own way: fractions, -0, 1e999.
            doubts.extend(value.startswith(start) for start in ("{", "[", '"'))
            doubts.extend((value.isin("true", "false", "0"), value.contains(".")))
    doubt = doubts[0]
    for other in doubts[1:]:
        doubt = doubt | other
    return F.col("_object").isNotNull() & doubt


def _with_quoted_numbers(text: Column) -> Column:
    """JSON text in which each number is a string of exactly its characters."""
    return F.regexp_replace(text, f"(?s){_BARE_NUMBER}", '$1"$2"')


def _second_look(field: str) -> Column:
    return F.variant_get("_again", f"$.{field}", "variant")


def _second_fault(field: str) -> Column:
    value = _second_look(field)
    is_string = F.schema_of_variant(value) == "STRING"
    found = F.when(value.isNull(), MISSING).when(F.is_variant_null(value), NULL).when(~is_string, INVALID)
    return F.when(F.col("_again").isNotNull(), found)


def _string(field: str) -> Column:
    """The field's text, or null if it is neither a string nor a number."""
    again = F.when(_second_fault(field).isNull(), F.variant_get("_again", f"$.{field}", "string"))
    return F.when(~F.col("_doubtful"), F.col("_object")[field]).otherwise(again)


def _typed(frame: DataFrame, field: str, kind: str, least: int, most: int) -> DataFrame:
    """The frame with a text column as an integer of [least, most], and INVALID as the fault of what is none."""
    # \z and not $, which lets a final newline pass; the cast alone would let white space pass.
    is_integer = F.col(field).rlike(r"^[+-]?[0-9]+\z")
    numbered = frame.withColumn(field, F.when(is_integer, F.col(field).try_cast("bigint")))
    number = F.when(F.col(field).between(least, most), F.col(field))
    unreadable = F.col("is_json") & fault(field).isNull() & number.isNull()
    return numbered.withColumns(
        {field: number.cast(kind), f"{field}_fault": F.when(unreadable, INVALID).otherwise(fault(field))}
    )
