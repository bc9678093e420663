"""Makes untrusted text safe to show."""


def printable(data: bytes | str | None) -> str:
    """Returns one line that is safe for a terminal: control characters and invalid bytes are escaped; `-` for None."""
    if data is None:
        return "-"
    text = data.decode(errors="backslashreplace") if isinstance(data, bytes) else data
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)
