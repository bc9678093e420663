"""The careful look at a log that is not plain: what each field is, and what is wrong with it.

Spark's `from_json` tells neither a missing field from a null one nor `true` from "true", and rewrites numbers. The
variant type keeps them apart, and numbers are put in quotes before, so that they stay as they were written.

Limits, which RFC 8259 leaves to the reader and beyond which a log is not_json: nesting of 999 levels, names of 50,000
characters, 16 MiB.
"""

import secrets
from collections.abc import Callable
from typing import Final

from pyspark.sql import Column
from pyspark.sql import functions as F

from include import names

MISSING: Final = "missing"
NULL: Final = "null"
INVALID: Final = "invalid"

TYPES: Final = {"account_id": "int", "event_timestamp": "bigint"}
"""Of the fields that are numbers; all others are strings."""
_RANGES: Final = {"account_id": (-(2**31), 2**31 - 1), "event_timestamp": (0, names.MAX_TIMESTAMP)}

# The log is parsed as the first element of an array whose second is this object. Text after the log's own object
# either breaks the array or moves the second element, and nobody can send a name that is drawn when the driver starts.
_END: Final = f"end_{secrets.token_hex(16)}"

_SPACE: Final = r"[ \t\n\r]*+"
# A number outside of strings, after everything before it that is none. Possessive, so that no text makes it backtrack.
# What is no number by RFC 8259, or stands where a name should, stays as it is, and is refused.
_NUMBER: Final = r"-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?+(?:[eE][+-]?[0-9]++)?+"
_BARE_NUMBER: Final = rf'\G((?:[^"0-9-]++|"(?:[^"\\]++|\\.)*+")*+)({_NUMBER})(?![0-9.eE+-]|{_SPACE}:)'


def look(text: Column) -> Column:
    """At text, null where the bytes were no UTF-8. A struct of

    `is_json` (boolean, never null), and for each of the six fields a struct of `value` (`account_id` int,
    `event_timestamp` bigint seconds, the others string; null where not readable) and `fault`: MISSING, NULL, INVALID
    (of another type, or out of range), null when it was readable. Without is_json, no value, and faults of no meaning.
    """
    bracketed = F.concat(F.lit("["), _with_quoted_numbers(text), F.lit(f',{{"{_END}":""}}]'))
    parsed = F.try_parse_json(F.when(~_has_lone_surrogate(text), bracketed))
    is_object = text.rlike(rf"\A{_SPACE}\{{")

    def checked(parsed: Column) -> Column:
        return F.when(F.variant_get(parsed, f"$[1].{_END}", "variant").isNotNull() & is_object, parsed)

    return once(once(parsed, checked), _record)


def once(value: Column, then: Callable[[Column], Column]) -> Column:
    """`then` of a value that is worked out once, however often it is used. Interpreted, so the code of a row that
    needs none of it stays small enough for Java to compile."""
    return F.get(F.transform(F.array(value), then), F.lit(0))


def _has_lone_surrogate(text: Column) -> Column:
    """Whether an escape is half of a surrogate pair: no UTF-8 text can keep that, Java would put a "?" instead."""
    suspected = text.contains("\\ud") | text.contains("\\uD")
    escapes = F.regexp_replace(text, r"\\[^u]", " ")
    unpaired = F.regexp_replace(escapes, r"\\u[dD][89abAB]..\\u[dD][c-fC-F]..", " ").rlike(r"\\u[dD][89a-fA-F]")
    return F.when(suspected, unpaired).otherwise(False)


def _with_quoted_numbers(text: Column) -> Column:
    """JSON text in which each number is a string of exactly its characters."""
    return F.regexp_replace(text, f"(?s){_BARE_NUMBER}", '$1"$2"')


def _record(parsed: Column) -> Column:
    """What `look` gives. `parsed` (variant): the array of log and _END; null where the log is no JSON object."""
    found = F.array(*(F.variant_get(parsed, f"$[0].{field}", "variant") for field in names.FIELDS))

    def as_text(field: Column) -> Column:
        is_string = F.schema_of_variant(field) == "STRING"
        fault = F.when(field.isNull(), MISSING).when(F.is_variant_null(field), NULL).when(~is_string, INVALID)
        value = F.when(is_string, F.variant_get(field, "$", "string"))
        return F.struct(value.alias("value"), fault.alias("fault"))

    return once(
        F.transform(found, as_text),
        lambda texts: F.struct(parsed.isNotNull().alias("is_json"), *(_field(texts, field) for field in names.FIELDS)),
    )


def _field(texts: Column, field: str) -> Column:
    text = F.get(texts, F.lit(names.FIELDS.index(field)))
    if field not in TYPES:
        return text.alias(field)
    number = _integer(text["value"], field)
    fault = F.when(number.isNull(), F.coalesce(text["fault"], F.lit(INVALID)))
    return F.struct(number.alias("value"), fault.alias("fault")).alias(field)


def _integer(text: Column, field: str) -> Column:
    """The text as an integer of the field's range, or null."""
    # \z and not $, which lets a final newline pass; the cast alone would let white space pass.
    number = F.when(text.rlike(r"^[+-]?[0-9]+\z"), text.try_cast("bigint"))
    return F.when(number.between(*_RANGES[field]), number.cast(TYPES[field]))
