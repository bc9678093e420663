"""How far classify came, told by the end of a status partition."""

from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import Message, TopicPartition

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


class Topics:
    """A consumer of the two topics of one partition; the status topic begins at offset `first`."""

    def __init__(self, status: list[Message], first: int) -> None:
        self.status = [Message(key=each.key(), headers=each.headers(), offset=n) for n, each in enumerate(status)]
        self.first, self.next = first, 0

    def list_topics(self, topic: str, timeout: float) -> Any:
        return SimpleNamespace(topics={topic: SimpleNamespace(partitions=[0])})

    def get_watermark_offsets(self, partition: TopicPartition, timeout: float) -> tuple[int, int]:
        return (self.first, len(self.status)) if partition.topic == names.STATUS_TOPIC else (0, 10_000)

    def assign(self, partitions: list[TopicPartition]) -> None:
        assert self.first <= partitions[0].offset < len(self.status)
        self.next = partitions[0].offset

    def consume(self, count: int, timeout: float) -> list[Message]:
        """As many as were asked for at most; none after the end, for which a real one waits in vain."""
        begin, self.next = self.next, min(self.next + max(1, count // 2), len(self.status))
        return self.status[begin : self.next]

    def unassign(self) -> None:
        self.next = 0


@pytest.mark.parametrize("behind", [0, 1, 99, 100, 101, 102, 1100, 1101, 1102, 3000])
@pytest.mark.parametrize("first", [0, 1])
def test_the_last_verdict_of_the_stream_is_found_behind_any_number_of_corrections(behind: int, first: int) -> None:
    status = [message(b"0-6"), message(b"0-7"), *[message(b"0-3", AGAIN)] * behind]
    found = hops.read_topics(Topics(status, first))  # type: ignore[arg-type]
    assert (found.classified, found.status, found.lag) == ({0: 8}, {0: behind + 2}, 10_000 - 8)


def test_when_kafka_has_removed_all_but_corrections_nothing_is_known() -> None:
    status = [message(b"0-7"), *[message(b"0-3", AGAIN)] * 150]
    assert hops.read_topics(Topics(status, 1)).classified == {0: 0}  # type: ignore[arg-type]
