"""Marks decide which status messages are verdicts, whatever their headers; any Kafka timestamp can be stored."""

from datetime import UTC, datetime
from typing import Any

import pytest
from confluent_kafka import Message

from include import names
from include.topics import marks, times

CORRECTION = ("rejudged", b"a run")


def message(*headers: Any) -> Message:
    return Message(headers=list(headers))


class NoUtf8(Message):
    """A message with a header name that is not UTF-8, as from librdkafka."""

    def headers(self) -> Any:
        raise UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte")


@pytest.mark.parametrize(
    ("what", "given", "verdict", "first"),
    [
        ("of the stream", message(marks.STREAM), True, True),
        ("a correction", message(CORRECTION), True, False),
        ("both", message(marks.STREAM, CORRECTION), True, False),
        ("no headers", Message(), False, False),
        ("another header", message(("trace", b"1")), False, False),
        ("a value of null", message(("trace", None)), False, False),
        ("a name twice", message(("a", b"1"), ("a", b"2"), marks.STREAM), True, True),
        ("a name that is no UTF-8", NoUtf8(), False, False),
    ],
)
def test_the_mark_decides_whether_a_message_is_a_verdict(what: str, given: Message, verdict: bool, first: bool) -> None:
    assert (marks.is_verdict(given), marks.is_first_verdict(given)) == (verdict, first), what


@pytest.mark.parametrize("cause", [names.REJUDGEMENT, names.REPLAY, names.REPAIR])
def test_the_mark_of_a_correction_names_its_cause(cause: str) -> None:
    run = marks.run_id(cause)
    assert marks.cause(message(marks.STREAM, (names.REJUDGED, run.encode()))) == cause
    assert marks.run_id(cause) != run


def test_a_mark_without_a_known_cause_has_none() -> None:
    assert marks.cause(message(marks.STREAM)) == names.BY_STREAM
    for value in (b"20261130T120000Z-0a1b", b"replayed-1", b"\xff-1", b"", None):
        assert marks.cause(message((names.REJUDGED, value))) is None


def test_many_at_once() -> None:
    ours, other = message(marks.STREAM), message(("trace", b"1"))
    assert marks.are_verdicts([ours] * 3) is None
    assert marks.are_verdicts([Message()] * 3) == [False] * 3
    assert marks.are_verdicts([NoUtf8(), ours]) == [False, True]
    assert marks.are_verdicts([ours, other, message(CORRECTION), Message()]) == [True, False, True, False]


@pytest.mark.parametrize(
    ("milliseconds", "time"),
    [
        (1795906187086, datetime(2026, 11, 28, 22, 49, 47, 86_000, tzinfo=UTC)),
        (-6795364578871345152, datetime(1970, 1, 1, tzinfo=UTC)),
        (-62135596800001, datetime(1970, 1, 1, tzinfo=UTC)),
        (-(2**63), datetime(1970, 1, 1, tzinfo=UTC)),
        (-1, datetime(1970, 1, 1, tzinfo=UTC)),
        (2**63 - 1, datetime(9999, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC)),
        (253402300799999, datetime(9999, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC)),
    ],
)
def test_any_kafka_timestamp_becomes_a_storable_time(milliseconds: int, time: datetime) -> None:
    assert times.utc(milliseconds) == time
