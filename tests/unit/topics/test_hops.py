"""The progress of classify and the indexer, from Kafka: also after it removed messages or forgot the group."""

from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import OFFSET_INVALID, Message, TopicPartition

from include import names
from include.topics import hops, marks

STREAM = [marks.STREAM]
STRANGER: list[tuple[str, bytes]] = []
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
        ("another header beside the stream's own", [message(b"1-8", [("trace", b"x"), marks.STREAM])], 9),
        ("no mark, however well the key looks", [message(b"1-8"), message(b"1-50", STRANGER)], 9),
        ("another header alone", [message(b"1-8"), message(b"1-50", [("trace", b"x")])], 9),
        ("no keys of ours", [message(b"1-8"), message(None), message(b"x"), message(b"1-9 "), message(b"2-50")], 9),
        ("corrections only", [message(b"1-2", AGAIN)], None),
        ("nothing", [], None),
    ],
)
def test_corrections_and_foreign_messages_do_not_count_as_progress_of_classify(what, messages, found) -> None:
    assert hops.after_last_verdict(messages, 1) == found, what


class Topics:
    """A consumer of the two topics of one partition; the status topic begins at offset `first`, and its group has
    `committed` that offset there."""

    def __init__(
        self, status: list[Message], first: int, logs: tuple[int, int] = (0, 10_000), committed: int = OFFSET_INVALID
    ) -> None:
        self.status = [Message(key=each.key(), headers=each.headers(), offset=n) for n, each in enumerate(status)]
        self.first, self.logs, self.group, self.next = first, logs, committed, 0

    def list_topics(self, topic: str, timeout: float) -> Any:
        return SimpleNamespace(topics={topic: SimpleNamespace(partitions=[0])})

    def get_watermark_offsets(self, partition: TopicPartition, timeout: float) -> tuple[int, int]:
        return (self.first, len(self.status)) if partition.topic == names.STATUS_TOPIC else self.logs

    def committed(self, partitions: list[TopicPartition], timeout: float) -> list[TopicPartition]:
        return [TopicPartition(each.topic, each.partition, self.group) for each in partitions]

    def assign(self, partitions: list[TopicPartition]) -> None:
        assert self.first <= partitions[0].offset < len(self.status)
        self.next = partitions[0].offset

    def consume(self, count: int, timeout: float) -> list[Message]:
        """Returns at most `count` messages; none after the end, where a real consumer times out."""
        begin, self.next = self.next, min(self.next + max(1, count // 2), len(self.status))
        return self.status[begin : self.next]

    def unassign(self) -> None:
        self.next = 0


@pytest.mark.parametrize("behind", [0, 1, 99, 100, 101, 102, 1100, 1101, 1102, 3000])
@pytest.mark.parametrize("first", [0, 1])
def test_the_last_verdict_of_the_stream_is_found_before_any_number_of_corrections(behind: int, first: int) -> None:
    status = [message(b"0-6"), message(b"0-7"), *[message(b"0-3", AGAIN)] * behind]
    found = hops.read_topics(Topics(status, first))  # type: ignore[arg-type]
    assert (found.classified, found.status, found.lag) == ({0: 8}, {0: behind + 2}, 10_000 - 8)


def test_progress_is_unknown_if_kafka_removed_all_but_corrections() -> None:
    status = [message(b"0-7"), *[message(b"0-3", AGAIN)] * 150]
    assert hops.read_topics(Topics(status, 1)).classified == {0: 0}  # type: ignore[arg-type]


JUDGED = [message(b"0-%d" % number) for number in range(5)]


@pytest.mark.parametrize("logs", [(10_000, 10_000), (9_990, 10_000)])
def test_removed_logs_do_not_count_as_lag(logs: tuple[int, int]) -> None:
    """Both topics have the same retention: an idle status partition is emptied, and its logs go with it."""
    emptied = Topics(JUDGED, first=len(JUDGED), logs=logs)
    assert hops.read_topics(emptied).lag == logs[1] - logs[0]  # type: ignore[arg-type]


def test_mysql_shows_the_progress_of_classify_if_kafka_removed_every_verdict() -> None:
    emptied = Topics(JUDGED, first=len(JUDGED))
    found = hops.read_topics(emptied, {0: 9_990})  # type: ignore[arg-type]
    assert (found.classified, found.lag) == ({0: 9_990}, 10)
    found = hops.read_topics(Topics(JUDGED, first=0), {0: 3})  # type: ignore[arg-type]
    assert found.classified == {0: 5}, "the topic knows more than the tables"


def test_a_recreated_topic_has_no_negative_lag() -> None:
    anew = Topics([], first=0, logs=(0, 10))
    assert hops.read_topics(anew, {0: 5_000}).lag == 0  # type: ignore[arg-type]


@pytest.mark.parametrize(("committed", "found"), [(4, 4), (0, 0), (OFFSET_INVALID, 2)])
def test_an_unknown_group_must_index_everything_that_kafka_has(committed: int, found: int) -> None:
    consumer = Topics(JUDGED, first=2, committed=committed)
    assert hops.indexed(consumer, [0]) == {0: found}  # type: ignore[arg-type]


def test_an_emptied_partition_has_nothing_to_index() -> None:
    topics = Topics(JUDGED, first=len(JUDGED))
    assert hops.index_lag(topics, hops.read_topics(topics)) == 0  # type: ignore[arg-type]
