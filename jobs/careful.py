"""The careful look at a log that is not plain: what each field is, and what is wrong with it.

Spark's `from_json` tells neither a missing field from a null one nor `true` from "true", and rewrites numbers. A flat
log is read by a regular expression (jobs/plain.py). Of any other, the variant type keeps them apart, and numbers are
put in quotes before, so that they stay as they were written.

Limits, which RFC 8259 leaves to the reader and beyond which a log is not_json: nesting of 999 levels, names of 50,000
characters, 16 MiB.
"""

import secrets
from collections.abc import Callable
from typing import Final, NamedTuple

from pyspark.sql import Column
from pyspark.sql import functions as F

from include import names
from jobs.plain import FLAT, SEPARATOR, TOKENS

MISSING: Final = ""
NULL: Final = "null"
_TEXT: Final = '"'
_OTHER: Final = "other"

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


class Found(NamedTuple):
    """A field: its token, and its value (`account_id` int, `event_timestamp` bigint seconds, the others string), null
    where it is of another type, or out of range."""

    token: Column
    value: Column


def look(text: Column) -> Column:
    """At text, null where the bytes were no UTF-8. The tokens of the six fields, array<string>; null where it is no
    JSON object. A token is MISSING, NULL, a quote and then the text, a bare number, or anything else for other types.
    """

    def flat_or_not(read: Column) -> Column:
        return F.when(read != text, F.split(read, SEPARATOR)).otherwise(_parsed(text))

    return once(F.regexp_replace(text, FLAT, TOKENS), flat_or_not)


def once(value: Column, then: Callable[[Column], Column]) -> Column:
    """`then` of a value that is worked out once, however often it is used. Interpreted, so the code of a row that
    needs none of it stays small enough for Java to compile."""
    return F.get(F.transform(F.array(value), then), F.lit(0))


def value(token: Column, field: str) -> Column:
    """Of a field with this token: see `Found`."""
    # Digits, and the minus before them.
    text = F.when(token.startswith(_TEXT), F.substring(token, 2, 2**31 - 1)).when(token.between("-", ":"), token)
    return _integer(text, field) if field in TYPES else text


def _parsed(text: Column) -> Column:
    bracketed = F.concat(F.lit("["), _with_quoted_numbers(text), F.lit(f',{{"{_END}":""}}]'))
    parsed = F.try_parse_json(F.when(~_has_lone_surrogate(text), bracketed))
    is_object = text.rlike(rf"\A{_SPACE}\{{")

    def tokens(parsed: Column) -> Column:
        is_json = F.variant_get(parsed, f"$[1].{_END}", "variant").isNotNull() & is_object
        fields = F.array(*(F.variant_get(parsed, f"$[0].{field}", "variant") for field in names.FIELDS))
        return F.when(is_json, F.transform(fields, _token))

    return once(parsed, tokens)


def _token(field: Column) -> Column:
    # Not by schema_of_variant, which takes minutes for an array of ten thousand objects with different names.
    is_text = F.to_json(field).startswith(_TEXT)
    text = F.concat(F.lit(_TEXT), F.variant_get(field, "$", "string"))
    return F.when(field.isNull(), MISSING).when(F.is_variant_null(field), NULL).when(is_text, text).otherwise(_OTHER)


def _has_lone_surrogate(text: Column) -> Column:
    """Whether an escape is half of a surrogate pair: no UTF-8 text can keep that, Java would put a "?" instead."""
    suspected = text.contains("\\ud") | text.contains("\\uD")
    escapes = F.regexp_replace(text, r"\\[^u]", " ")
    unpaired = F.regexp_replace(escapes, r"\\u[dD][89abAB]..\\u[dD][c-fC-F]..", " ").rlike(r"\\u[dD][89a-fA-F]")
    return F.when(suspected, unpaired).otherwise(False)


def _with_quoted_numbers(text: Column) -> Column:
    """JSON text in which each number is a string of exactly its characters."""
    return F.regexp_replace(text, f"(?s){_BARE_NUMBER}", '$1"$2"')


def _integer(text: Column, field: str) -> Column:
    """The text as an integer of the field's range, or null."""
    # \z and not $, which lets a final newline pass; the cast alone would let white space pass.
    number = F.when(text.rlike(r"^[+-]?[0-9]+\z"), text.try_cast("bigint"))
    return F.when(number.between(*_RANGES[field]), number.cast(TYPES[field]))
