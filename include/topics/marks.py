"""Which messages of the status topic are verdicts: those with the mark, a Kafka header, of who may give one.

Everybody who can write to the topic can write a message that looks like a verdict. `classify` and jobs/rejudge_logs.py
mark theirs; what has no mark is a foreign message, nobody's verdict, for load, the indexer, and who asks how far
`classify` came alike. Against somebody who means harm only Kafka's rights help: a mark can be copied.
"""

from collections.abc import Sequence
from contextlib import suppress
from itertools import repeat
from operator import eq
from typing import Any, Final

from confluent_kafka import Message

from include.names import JUDGED, REJUDGED

STREAM: Final = (JUDGED, b"1")
"""The header of a verdict that the stream gave."""

_OF_THE_STREAM: Final[Any] = [STREAM]


def is_verdict(message: Message) -> bool:
    """Whether it has the mark of the stream, or of a correction."""
    return _is_marked(_headers(message))


def is_first_verdict(message: Message) -> bool:
    """Whether the stream gave it: these keep the order of their logs."""
    return any(name == JUDGED for name, _ in _headers(message)) and not is_correction(message)


def is_correction(message: Message) -> bool:
    """Whether it corrects an earlier verdict, of any log."""
    return any(name == REJUDGED for name, _ in _headers(message))


def are_verdicts(messages: Sequence[Message]) -> list[bool] | None:
    """`is_verdict` of each; None, found without a look at each from Python, where all are of the stream."""
    # None of them is kept: so many lists would be looked through by Python's collector of garbage.
    with suppress(ValueError):
        if all(map(eq, map(Message.headers, messages), repeat(_OF_THE_STREAM))):
            return None
    return list(map(is_verdict, messages))


def _headers(message: Message) -> Any:
    try:
        return message.headers() or ()
    except ValueError:  # a name that is no UTF-8
        return ()


def _is_marked(headers: Any) -> bool:
    return any(name in (JUDGED, REJUDGED) for name, _ in headers)
