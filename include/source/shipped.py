"""The contract that ships, as constants for those who know no other: the generator's fast path, `bench`. Pure."""

from dataclasses import replace
from typing import Final

from include.contract.model import Attribute, Contract, Dimension, Field, Roles
from include.names import LAST_SECOND

FIELDS: Final = ("event_id", "account_id", "event_type", "device", "location_country", "event_timestamp")
TEXT_FIELDS: Final = ("event_id", "event_type", "device", "location_country")
MAX_TEXT: Final = 64
"""Longest text field, in characters (code points)."""
MAX_TIMESTAMP: Final = LAST_SECOND
UNKNOWN_ACCOUNT: Final = "unknown_account"
UNEXPECTED_DEVICE: Final = "unexpected_device"
DEVICES: Final = ("ANDROID", "IOS", "WINDOWS", "MACOS", "LINUX", "CHROMEOS")


def _field(name: str) -> Field:
    if name in TEXT_FIELDS:
        return Field(name, (name,), "text", None, ("string", "number"), True, False, 1, MAX_TEXT)
    if name == "account_id":
        return Field(name, (name,), "int32", None, ("string", "number"), True, False, -(2**31), 2**31 - 1)
    return Field(name, (name,), "timestamp", "seconds", ("string", "number"), True, False, 0, MAX_TIMESTAMP)


_DIMENSION: Final = Dimension(
    "account_id",
    "account_no",
    "event_timestamp",
    UNKNOWN_ACCOUNT,
    (Attribute("device", "user_device", UNEXPECTED_DEVICE),),
)
_CONTRACT: Final = Contract(tuple(map(_field, FIELDS)), (), _DIMENSION)


def is_for(contract: Contract) -> bool:
    """Whether these are the logs of the contract: it is the one that ships, whatever its roles and its version are."""
    return replace(contract, roles=Roles(), version=1, later=()) == _CONTRACT


def has_its_columns(dimension: Dimension | None) -> bool:
    """Whether the exports of the dimension have the columns of the one that ships."""
    return dimension is not None and replace(dimension, at="", unknown="") == replace(_DIMENSION, at="", unknown="")
