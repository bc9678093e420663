"""Which messages of the status topic are verdicts: those with a mark, which is a Kafka header.

Any program that can write to the topic can write a message that looks like a verdict. `classify` and
jobs/rejudge_logs.py mark their messages. A message without a mark is a foreign message: neither `load` nor the indexer
treats it as a verdict, and it does not count as progress of `classify`. A mark can be copied, so only Kafka's ACLs
protect against malicious writers.
"""

import secrets
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from itertools import repeat
from operator import eq
from typing import Any, Final

from confluent_kafka import Message

from include.names import BY_STREAM, CAUSES, JUDGED, REJUDGED

STREAM: Final = (JUDGED, b"1")
"""Header of a verdict that the stream gave."""

_OF_THE_STREAM: Final[Any] = [STREAM]


def is_verdict(message: Message) -> bool:
    """Whether the message has the mark of the stream or of a correction."""
    return _is_marked(_headers(message))


def is_first_verdict(message: Message) -> bool:
    """Whether the stream gave this verdict. The stream's verdicts are in the order of their logs."""
    return any(name == JUDGED for name, _ in _headers(message)) and not is_correction(message)


def is_correction(message: Message) -> bool:
    """Whether the message corrects an earlier verdict, of any log."""
    return any(name == REJUDGED for name, _ in _headers(message))


def run_id(cause: str) -> str:
    """A new id of a run that sends corrections, for the value of its mark."""
    return f"{cause}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}"


def cause(message: Message) -> str | None:
    """Why this verdict was given, one of names.CAUSES; None if the run in its mark is not from `run_id`."""
    for name, value in _headers(message):
        if name == REJUDGED:
            word = (value or b"").partition(b"-")[0].decode(errors="replace")
            return word if word in CAUSES else None
    return BY_STREAM


def are_verdicts(messages: Sequence[Message]) -> list[bool] | None:
    """Returns `is_verdict` of each message; None, without a Python loop, if the stream sent all of them."""
    # The lists of headers are not kept: that many objects would slow down Python's garbage collector.
    with suppress(ValueError):
        if all(map(eq, map(Message.headers, messages), repeat(_OF_THE_STREAM))):
            return None
    return list(map(is_verdict, messages))


def _headers(message: Message) -> Any:
    try:
        return message.headers() or ()
    except ValueError:  # a header name that is not UTF-8
        return ()


def _is_marked(headers: Any) -> bool:
    return any(name in (JUDGED, REJUDGED) for name, _ in headers)
