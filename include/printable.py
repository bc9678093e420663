"""What a stranger wrote, as text that does nothing where it is shown."""


def printable(data: bytes | str | None) -> str:
    """As one line that does nothing to a terminal: control characters and bad bytes are escaped; `-` for None."""
    if data is None:
        return "-"
    text = data.decode(errors="backslashreplace") if isinstance(data, bytes) else data
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)
