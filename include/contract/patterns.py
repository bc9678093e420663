"""Patterns of a contract, by RE2 itself, which comes with Arrow."""

from collections.abc import Sequence


def matching(pattern: str, texts: Sequence[str]) -> list[bool]:
    """Whether each text matches all of the pattern."""
    # Only contracts with patterns need it, and it takes long to import.
    import pyarrow as pa
    import pyarrow.compute as pc

    whole = rf"\A(?:{pattern})\z"
    return [bool(each) for each in pc.match_substring_regex(pa.array(texts, pa.string()), whole).to_pylist()]


def wrong(pattern: str) -> str:
    """Why it is no pattern; empty if it is one."""
    import pyarrow as pa

    if "\\C" in pattern:
        return "\\C would match half a character"
    try:
        matching(pattern, [""])
    except pa.ArrowInvalid as error:
        return str(error).removeprefix("Invalid regular expression: ").removesuffix(".")
    return ""
