"""Kafka's timestamps: any 64-bit number of milliseconds, as its sender likes, as a time that both sinks can hold."""

from datetime import UTC, datetime, timedelta
from typing import Final

from include.names import MAX_TIMESTAMP

LATEST: Final = 1000 * MAX_TIMESTAMP + 999
"""9999-12-31 23:59:59.999 UTC, in milliseconds since 1970."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def held(milliseconds: int) -> int:
    """The nearest time that is held: from 1970 up to LATEST, as JudgeLog.java does it."""
    return min(max(milliseconds, 0), LATEST)


def utc(milliseconds: int) -> datetime:
    """The time that is held of it, UTC; never an error."""
    return _EPOCH + timedelta(milliseconds=held(milliseconds))
