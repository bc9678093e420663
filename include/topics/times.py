"""Converts Kafka's timestamps, which a sender can set to any 64-bit number, to times that both sinks can store."""

from datetime import UTC, datetime, timedelta
from typing import Final

from include.names import LAST_MILLISECOND

LATEST: Final = LAST_MILLISECOND
"""9999-12-31 23:59:59.999 UTC, in milliseconds since 1970."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def held(milliseconds: int) -> int:
    """Clamps a timestamp to the range from 1970 to LATEST, as JudgeLog.java does."""
    return min(max(milliseconds, 0), LATEST)


def utc(milliseconds: int) -> datetime:
    """Returns the clamped timestamp as a datetime in UTC; never raises."""
    return _EPOCH + timedelta(milliseconds=held(milliseconds))
