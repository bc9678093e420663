"""The shipped contract as constants, for the contestants that know no other."""

from typing import Final

TEXT_FIELDS: Final = ("event_id", "event_type", "device", "location_country")
FIELDS: Final = ("event_id", "account_id", "event_type", "device", "location_country", "event_timestamp")
MAX_TEXT: Final = 64
"""Longest text field, in characters (code points)."""
MAX_TIMESTAMP: Final = 253_402_300_799
"""9999-12-31 23:59:59 UTC, in seconds since 1970."""
UNKNOWN_ACCOUNT: Final = "unknown_account"
UNEXPECTED_DEVICE: Final = "unexpected_device"
