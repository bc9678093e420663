"""How far classify came, told by the end of a status partition."""

import pytest
from confluent_kafka import Message

from include import hops, names

STREAM = None
AGAIN = [(names.REJUDGED, b"a run")]


def message(key: bytes | None, headers: list[tuple[str, bytes]] | None = STREAM) -> Message:
    return Message(key=key, headers=headers)


@pytest.mark.parametrize(
    ("what", "messages", "found"),
    [
        ("the last one of the stream", [message(b"1-7"), message(b"1-8")], 9),
        ("the first log of all", [message(b"1-0")], 1),
        ("corrections at the end", [message(b"1-8"), message(b"1-2", AGAIN), message(b"1-3", AGAIN)], 9),
        ("a correction between", [message(b"1-8"), message(b"1-2", AGAIN), message(b"1-9")], 10),
        ("another header is the stream's own", [message(b"1-8", [("trace", b"x")])], 9),
        ("no keys of ours", [message(b"1-8"), message(None), message(b"x"), message(b"1-9 "), message(b"2-50")], 9),
        ("corrections only", [message(b"1-2", AGAIN)], None),
        ("nothing", [], None),
    ],
)
def test_corrections_and_strangers_do_not_tell_how_far_classify_came(what, messages, found) -> None:
    assert hops.behind_last_verdict(messages, 1) == found, what
