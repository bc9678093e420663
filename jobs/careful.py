"""The careful look at a log that is not plain: what each field is, and what is wrong with it.

Spark's `from_json` alone is not strict, and tells neither a missing field from a null one nor `true` from "true", and
rewrites numbers. So a log is read once the fast way; what that leaves open is settled by a second look through the
variant type, which rows of plain strings never need.

Limits, which RFC 8259 leaves to the reader and beyond which a log is not_json: nesting of 999 levels, numbers of
1,000 digits, names of 50,000 characters, and where the second look is needed, 16 MiB.
"""

import functools
import operator
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
_ELEMENTS: Final = f"array<struct<{', '.join(f'{name}: string' for name in (*names.FIELDS, _END))}>>"
_STRICT: Final = {"allowSingleQuotes": "false", "allowNonNumericNumbers": "false"}

# A number outside of strings, after everything before it that is none. Possessive, so that no text makes it backtrack.
_BARE_NUMBER: Final = r'\G((?:[^"0-9-]++|"(?:[^"\\]++|\\.)*+")*+)(-?[0-9][0-9.eE+-]*+)'


def look(text: Column) -> Column:
    """A struct of

    `is_json` (boolean, never null), and for each of the six fields a struct of `value` (`account_id` int,
    `event_timestamp` bigint seconds, the others string; null where not readable) and `fault`: MISSING, NULL, INVALID
    (of another type, or out of range), null when it was readable. Without is_json, no value, and faults of no meaning.
    """
    return _once(
        _object(text),
        lambda found: _once(
            _is_doubtful(found),
            lambda is_doubtful: _once(
                F.when(is_doubtful, F.try_parse_json(_with_quoted_numbers(text))),
                lambda again: _record(found, is_doubtful, again),
            ),
        ),
    )


def _once(value: Column, then: Callable[[Column], Column]) -> Column:
    """`then` of a value that is worked out once, however often it is used. Interpreted, so the code of a row that
    needs none of it stays small enough for Java to compile."""
    return F.get(F.transform(F.array(value), then), F.lit(0))


def _object(text: Column) -> Column:
    """The log's fields as text, null if it is seen to be no JSON object already."""
    bracketed = F.concat(F.lit("["), text, F.lit(f',{{"{_END}":""}}]'))

    def whole(elements: Column) -> Column:
        ended = F.get(elements, F.lit(1))[_END].isNotNull()
        return F.when(ended & ~_has_lone_surrogate(text), F.get(elements, F.lit(0)))

    return _once(F.when(F.is_valid_utf8(text), F.from_json(bracketed, _ELEMENTS, _STRICT)), whole)


def _has_lone_surrogate(text: Column) -> Column:
    """Whether an escape is half of a surrogate pair: no UTF-8 text can keep that, Java would put a "?" instead."""
    suspected = text.contains("\\ud") | text.contains("\\uD")
    escapes = F.regexp_replace(text, r"\\[^u]", " ")
    unpaired = F.regexp_replace(escapes, r"\\u[dD][89abAB]..\\u[dD][c-fC-F]..", " ").rlike(r"\\u[dD][89a-fA-F]")
    return F.when(suspected, unpaired).otherwise(False)


def _is_doubtful(found: Column) -> Column:
    """Whether a field came out as something that a different JSON value may also come out as."""

    def doubt(value: Column) -> Column:
        # Objects, arrays, booleans, and numbers that Jackson writes in its own way: fractions, -0, 1e999.
        begins = [value.startswith(start) for start in ("{", "[", '"')]
        return functools.reduce(operator.or_, begins, value.isin("true", "false", "0") | value.contains("."))

    texts = F.array(*(found[field] for field in names.TEXT_FIELDS))
    is_null = [found[field].isNull() for field in names.FIELDS]
    return found.isNotNull() & functools.reduce(operator.or_, is_null, F.exists(texts, doubt))


def _with_quoted_numbers(text: Column) -> Column:
    """JSON text in which each number is a string of exactly its characters."""
    return F.regexp_replace(text, f"(?s){_BARE_NUMBER}", '$1"$2"')


def _record(found: Column, is_doubtful: Column, again: Column) -> Column:
    is_json = found.isNotNull() & (~is_doubtful | again.isNotNull())
    first = F.array(*(F.when(~is_doubtful, found[field]) for field in names.FIELDS))
    second = F.array(*(F.variant_get(again, f"$.{field}", "variant") for field in names.FIELDS))

    def as_text(first: Column, second: Column) -> Column:
        is_string = F.schema_of_variant(second) == "STRING"
        fault = F.when(second.isNull(), MISSING).when(F.is_variant_null(second), NULL).when(~is_string, INVALID)
        value = F.when(is_string, F.variant_get(second, "$", "string"))
        return F.struct(F.coalesce(first, value).alias("value"), F.when(again.isNotNull(), fault).alias("fault"))

    return _once(
        F.zip_with(first, second, as_text),
        lambda texts: F.struct(is_json.alias("is_json"), *(_field(texts, field) for field in names.FIELDS)),
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
