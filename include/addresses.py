"""Addresses of servers as settings name them: `host:port`."""

import re
from typing import Final

_FORM: Final = re.compile(r"[^\s:/@,\[\]]+:[0-9]{1,5}")


def checked(text: str) -> str:
    """The text, if it is empty or `host:port` with a name or an IPv4 address. Raises ValueError."""
    if text and not (_FORM.fullmatch(text) and 0 < split(text)[1] < 65_536):
        raise ValueError(f"{text!r} is not host:port, with a name or an IPv4 address and a port up to 65535")
    return text


def split(text: str) -> tuple[str, int]:
    """Host and port."""
    host, _, port = text.rpartition(":")
    return host, int(port)
