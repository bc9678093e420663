"""The rules that decide a log's status, top to bottom. Nothing else decides one.

A rule is a column that is null when the record is fine, and else the reason's word. The rules of form take what a
careful look has found of a field (jobs/careful.py): a log that is plain is seen to break none.
"""

from collections.abc import Callable
from typing import Final

from pyspark.sql import Column
from pyspark.sql import functions as F

from include import names
from jobs import careful
from jobs.careful import Found

Rule = Callable[[Found, str], Column]


def _reason(failed: Column, word: str) -> Column:
    return F.when(failed, F.lit(word))


def missing(found: Found, field: str) -> Column:
    """The object has no such name."""
    return _reason(found.token == careful.MISSING, names.missing(field))


def null(found: Found, field: str) -> Column:
    """The field is JSON null."""
    return _reason(found.token == careful.NULL, names.null(field))


def invalid(found: Found, field: str) -> Column:
    """The field, if there is one, is no text, or, where an integer is expected, none of its range."""
    return _reason(found.value.isNull(), names.invalid(field))


def empty(found: Found, field: str) -> Column:
    """A text field is the empty string."""
    return _reason(found.value == "", names.empty(field))


def too_long(found: Found, field: str) -> Column:
    """A text field has more than MAX_TEXT characters, counted in code points."""
    return _reason(F.char_length(found.value) > names.MAX_TEXT, names.too_long(field))


INTEGER_RULES: Final[tuple[Rule, ...]] = (missing, null, invalid)
TEXT_RULES: Final[tuple[Rule, ...]] = (*INTEGER_RULES, empty, too_long)


def broken(found: Found, field: str) -> Column:
    """The first rule that the field breaks, or null: what is missing breaks no other one."""
    rules = TEXT_RULES if field in names.TEXT_FIELDS else INTEGER_RULES
    return F.coalesce(*(rule(found, field) for rule in rules))


def form(tokens: Column) -> Column:
    """Of what `careful.look` gives a struct of `reasons` (array<string>: every broken rule of form; not_json stands
    alone), and of the six fields as they came, null where they break one."""
    token = {field: F.get(tokens, F.lit(place)) for place, field in enumerate(names.FIELDS)}

    def judged(values: Column) -> Column:
        faults = F.array(*(broken(Found(token[field], values[field]), field) for field in names.FIELDS))
        return careful.once(faults, lambda faults: _form(tokens, values, faults))

    values = F.struct(*(careful.value(token[field], field).alias(field) for field in names.FIELDS))
    return careful.once(values, judged)


def _form(tokens: Column, values: Column, faults: Column) -> Column:
    reasons = F.when(tokens.isNull(), F.array(F.lit(names.NOT_JSON))).otherwise(F.array_compact(faults))
    fine = {field: F.get(faults, F.lit(place)).isNull() for place, field in enumerate(names.FIELDS)}
    return F.struct(reasons.alias("reasons"), *(F.when(fine[field], values[field]).alias(field) for field in fine))


def unknown_account() -> Column:
    """The users dimension does not know the account, on the day of the event."""
    return _reason(F.col("user_device").isNull(), names.UNKNOWN_ACCOUNT)


def unexpected_device() -> Column:
    """The users dimension gives the account another device on that day. It is a binary comparison: iOS is not IOS."""
    return _reason(F.col("user_device") != F.col("device"), names.UNEXPECTED_DEVICE)


def user_reason() -> Column:
    """The broken rule of a well-formed record that was joined with its user, or null: one excludes the other."""
    return F.coalesce(unknown_account(), unexpected_device())
