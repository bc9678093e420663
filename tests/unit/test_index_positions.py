"""Where the indexer goes on, at a mock of Kafka: nothing that was removed before it was indexed is skipped silently."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import OFFSET_INVALID, KafkaError, KafkaException, TopicPartition

from include.index import indexer, positions
from include.index.positions import Gone, VerdictsGoneError
from include.names import STATUS_TOPIC
from include.settings import Settings
from tests.unit.mock_kafka import MockKafka
from tests.unit.staged_elasticsearch import StagedElasticsearch

SECONDS = 15
NOWHERE = OFFSET_INVALID


@pytest.fixture
def settings(kafka: MockKafka, search: StagedElasticsearch, tmp_path: Path) -> Settings:
    return Settings(state=tmp_path, kafka_bootstrap=kafka.address, elasticsearch_url=search.url)


def run_until_committed(kafka: MockKafka, settings: Settings, wanted: dict[int, int]) -> None:
    stop = threading.Event()
    deadline = time.monotonic() + SECONDS
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(indexer.run, settings, stop)
        while not running.done() and kafka.committed() != wanted and time.monotonic() < deadline:
            time.sleep(0.05)
        stop.set()
        running.result()
    assert kafka.committed() == wanted


def test_a_new_indexer_begins_with_what_is_there_and_one_taken_over_where_it_was_left(
    kafka: MockKafka, settings: Settings, search: StagedElasticsearch
):
    first, end = kafka.send_until_removed(0)
    assert first > 0
    kafka.send(1, [b'{"status":"bad"}'] * 5)
    kafka.commit(1, 3)
    kafka.send(2, [b'{"status":"bad"}'] * 5)
    kafka.commit(2, 5)

    # Also of the partition in which nothing is, so that it is noticed what is removed of it unread.
    run_until_committed(kafka, settings, {0: end, 1: 5, 2: 5, 3: 0})

    assert set(search.documents) == {
        *(f"0-{offset}" for offset in range(first, end)),
        *("1-3", "1-4"),
    }


def test_what_was_removed_before_it_was_indexed_stops_the_indexer_and_is_named(
    kafka: MockKafka, settings: Settings, search: StagedElasticsearch
):
    first, end = kafka.send_until_removed(0)
    kafka.commit(0, 4)

    stop = threading.Event()
    give_up = threading.Timer(SECONDS, stop.set)
    give_up.start()

    with pytest.raises(VerdictsGoneError, match=f"partition 0:.* 4 to {first - 1} were removed.*--go-on"):
        indexer.run(settings, stop)

    give_up.cancel()
    assert kafka.committed()[0] == 4, "the next one meets the same"
    assert positions.find_gone(kafka.looking) == [Gone(0, 4, first, end)]
    assert search.documents == {}


class AwayKafka:
    """A consumer to which Kafka tells nothing just then."""

    def __init__(self) -> None:
        self.assigned: list[TopicPartition] = []

    def committed(self, _partitions: list[TopicPartition], timeout: float) -> list[TopicPartition]:
        raise KafkaException(KafkaError(KafkaError._TIMED_OUT))

    def assign(self, partitions: list[TopicPartition]) -> None:
        self.assigned = partitions


def test_an_indexer_that_is_given_partitions_as_kafka_goes_away_waits_for_it():
    kafka = AwayKafka()

    positions.begin(kafka, [TopicPartition(STATUS_TOPIC, 1)])  # type: ignore[arg-type]

    ((number, offset),) = [(each.partition, each.offset) for each in kafka.assigned]
    assert (number, offset) == (1, NOWHERE), "so librdkafka asks for it, for as long as it takes"


def test_what_was_removed_is_given_up_by_a_person(kafka: MockKafka):
    first, end = kafka.send_until_removed(0)
    kafka.commit(0, 4)
    kafka.send(1, [b"{}"] * 5)
    kafka.commit(1, 2)
    kafka.send(2, [b"{}"] * 5)
    kafka.commit(2, 9)  # of a topic of that name that was there before

    assert positions.go_on(kafka.looking) == [Gone(0, 4, first, end), Gone(2, 9, 0, 5)]

    assert kafka.committed() == {0: first, 1: 2, 2: 0, 3: NOWHERE}, "and of the others nothing"
    assert positions.find_gone(kafka.looking) == []


class LivingIndexer:
    """A consumer to which the topic grows at each question, and everything is indexed at once."""

    def __init__(self) -> None:
        self.end = 0

    def list_topics(self, topic: str, timeout: float) -> Any:
        return SimpleNamespace(topics={topic: SimpleNamespace(partitions=[0])})

    def committed(self, _partitions: list[TopicPartition], timeout: float) -> list[TopicPartition]:
        self.end += 10
        return [TopicPartition(STATUS_TOPIC, 0, self.end)]

    def get_watermark_offsets(self, _partition: TopicPartition, timeout: float) -> tuple[int, int]:
        self.end += 10
        return 0, self.end


def test_whoever_looks_at_an_indexer_that_is_fast_sees_nothing_wrong():
    assert positions.find_gone(LivingIndexer()) == []  # type: ignore[arg-type]
