"""The rules that decide a log's status, top to bottom. Nothing else decides one.

A rule is a column that is null when the record is fine, and else the reason's word. Of the rules of form `record` is
what a careful look finds (jobs/careful.py): a log that is plain is seen to break none.
"""

from collections.abc import Callable
from typing import Final

from pyspark.sql import Column
from pyspark.sql import functions as F

from include import names
from jobs import careful

Rule = Callable[[Column, str], Column]


def _reason(failed: Column, word: str) -> Column:
    return F.when(failed, F.lit(word))


def missing(record: Column, field: str) -> Column:
    """The object has no such name."""
    return _reason(record[field]["fault"] == careful.MISSING, names.missing(field))


def null(record: Column, field: str) -> Column:
    """The field is JSON null."""
    return _reason(record[field]["fault"] == careful.NULL, names.null(field))


def invalid(record: Column, field: str) -> Column:
    """The field is no text, or, where an integer is expected, none of its range."""
    return _reason(record[field]["fault"] == careful.INVALID, names.invalid(field))


def empty(record: Column, field: str) -> Column:
    """A text field is the empty string."""
    return _reason(record[field]["value"] == "", names.empty(field))


def too_long(record: Column, field: str) -> Column:
    """A text field has more than MAX_TEXT characters, counted in code points."""
    return _reason(F.char_length(record[field]["value"]) > names.MAX_TEXT, names.too_long(field))


INTEGER_RULES: Final[tuple[Rule, ...]] = (missing, null, invalid)
TEXT_RULES: Final[tuple[Rule, ...]] = (*INTEGER_RULES, empty, too_long)


def field_rules(record: Column, field: str) -> list[Column]:
    """The rules of one field, in the order of their reasons."""
    rules = TEXT_RULES if field in names.TEXT_FIELDS else INTEGER_RULES
    return [rule(record, field) for rule in rules]


def form(record: Column) -> Column:
    """A struct of `reasons` (array<string>: every broken rule of form; not_json stands alone), and of the six fields
    as they came, null where they break one."""
    broken = F.array_compact(F.array(*(rule for field in names.FIELDS for rule in field_rules(record, field))))
    reasons = F.when(record["is_json"], broken).otherwise(F.array(F.lit(names.NOT_JSON)))
    return F.struct(reasons.alias("reasons"), *(_kept(record, field).alias(field) for field in names.FIELDS))


def _kept(record: Column, field: str) -> Column:
    value = record[field]["value"]
    if field not in names.TEXT_FIELDS:
        return value
    # What is not readable has no value.
    return F.when(F.coalesce(empty(record, field), too_long(record, field)).isNull(), value)


def unknown_account() -> Column:
    """The users dimension does not know the account, on the day of the event."""
    return _reason(F.col("user_device").isNull(), names.UNKNOWN_ACCOUNT)


def unexpected_device() -> Column:
    """The users dimension gives the account another device on that day. It is a binary comparison: iOS is not IOS."""
    return _reason(F.col("user_device") != F.col("device"), names.UNEXPECTED_DEVICE)


def user_reason() -> Column:
    """The broken rule of a well-formed record that was joined with its user, or null: one excludes the other."""
    return F.coalesce(unknown_account(), unexpected_device())
