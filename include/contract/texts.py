"""What a text means as a value of a field: an integer, or an address. Pure."""

import ipaddress
import re
from typing import Final

from include.contract.model import USUAL, Type

_INTEGER: Final = re.compile("-?[0-9]{1,19}")


def integer(kind: Type, text: str) -> int | None:
    """The integer, of `int32` or `int64`; None: the text is none, or it has more bits."""
    least, most = USUAL[kind]
    return int(text) if _INTEGER.fullmatch(text) and least <= int(text) <= most else None


def address(text: str) -> str | None:
    """The address as the rules write it; None: the text is none."""
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.scope_id is not None:
        return None
    return f"::ffff:{found.ipv4_mapped}" if found.ipv4_mapped else found.compressed
