"""The meaning of each reason in plain words. The rules are in jobs/java/logsieve/Rules.java."""

from typing import Final

from include import names

_INTEGERS: Final = {
    "account_id": "a whole number of 32 bits",
    "event_timestamp": "whole seconds since 1970 up to the year 9999",
}

MEANINGS: Final = {
    names.NOT_JSON: "the bytes are not exactly one JSON object in UTF-8",
    names.UNREADABLE: "the log is too large to be judged, or cannot be read from Kafka",
    names.UNKNOWN_ACCOUNT: "the account was not in the users dimension",
    names.UNEXPECTED_DEVICE: "the account has another device in the users dimension",
    **{names.missing(field): f"the object has no {field}" for field in names.FIELDS},
    **{names.null(field): f"{field} is null" for field in names.FIELDS},
    **{names.invalid(field): f"{field} is not {_INTEGERS.get(field, 'text')}" for field in names.FIELDS},
    **{names.empty(field): f"{field} is the empty string" for field in names.TEXT_FIELDS},
    **{names.too_long(field): f"{field} has more than {names.MAX_TEXT} characters" for field in names.TEXT_FIELDS},
}
"""A clause about the log, by reason."""
