"""Ways to make a log something else than one JSON object. Pure."""

import random
from collections.abc import Callable

Change = Callable[[random.Random, bytes], bytes | None]


def not_json_kinds() -> dict[str, Change]:
    """By kind, what makes a message that is no JSON object out of a log's text."""
    return {
        "broken_text": lambda rng, text: f"ERROR upstream timed out after {rng.randrange(60)} s".encode(),
        "single_quotes": lambda rng, text: text.replace(b'"', b"'"),
        "not_a_number": lambda rng, text: text[:-1] + b',"load":NaN}',
        "trailing_text": lambda rng, text: text + rng.choice([b" trailing", b"{}", b"]", b","]),
        "array": lambda rng, text: b"[" + text + b"]",
        "scalar": lambda rng, text: rng.choice([b"null", b"684", b"true", b'"a text"']),
        "truncated": lambda rng, text: text[: rng.randrange(1, len(text))],
        "not_utf8": lambda rng, text: text[:-2] + rng.choice([b"\xff", b"\xc3", b"\xed\xa0\x80"]) + text[-2:],
        "empty_message": lambda rng, text: b"",
        "tombstone": lambda rng, text: None,
    }
