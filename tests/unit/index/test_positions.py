"""Where the indexer continues, with a mock of Kafka: messages removed before indexing are never skipped silently."""

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
from tests.unit.staged.elasticsearch import StagedElasticsearch
from tests.unit.staged.mock_kafka import MockKafka

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


def test_new_partitions_start_at_their_first_message_and_others_at_the_committed_offset(
    kafka: MockKafka, settings: Settings, search: StagedElasticsearch
):
    first, end = kafka.send_until_removed(0)
    assert first > 0
    kafka.send(1, [b'{"status":"bad"}'] * 5)
    kafka.commit(1, 3)
    kafka.send(2, [b'{"status":"bad"}'] * 5)
    kafka.commit(2, 5)

    # Also for the empty partition, so that messages removed from it unread are detected.
    run_until_committed(kafka, settings, {0: end, 1: 5, 2: 5, 3: 0})

    assert set(search.documents) == {
        *(f"0-{offset}" for offset in range(first, end)),
        *("1-3", "1-4"),
    }


def test_messages_removed_before_they_were_indexed_stop_the_indexer_and_are_named(
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
    assert kafka.committed()[0] == 4, "the next indexer stops there too"
    assert positions.find_gone(kafka.looking) == [Gone(0, 4, first, end)]
    assert search.documents == {}


def test_a_partition_that_went_to_another_indexer_is_not_committed(kafka: MockKafka):
    kafka.send(0, [b"{}"])
    kafka.commit(1, 9)
    kafka.looking.assign([TopicPartition(STATUS_TOPIC, 0)])

    indexer.commit(kafka.looking, {0: 3, 1: 5})

    assert kafka.committed() == {0: 3, 1: 9, 2: NOWHERE, 3: NOWHERE}


class AwayKafka:
    """A consumer whose requests to Kafka time out."""

    def __init__(self) -> None:
        self.assigned: list[TopicPartition] = []

    def committed(self, _partitions: list[TopicPartition], timeout: float) -> list[TopicPartition]:
        raise KafkaException(KafkaError(KafkaError._TIMED_OUT))

    def assign(self, partitions: list[TopicPartition]) -> None:
        self.assigned = partitions


def test_an_assignment_while_kafka_is_down_waits_for_kafka():
    kafka = AwayKafka()

    positions.begin(kafka, [TopicPartition(STATUS_TOPIC, 1)])  # type: ignore[arg-type]

    ((number, offset),) = [(each.partition, each.offset) for each in kafka.assigned]
    assert (number, offset) == (1, NOWHERE), "so librdkafka asks Kafka for it indefinitely"


def test_go_on_skips_removed_messages(kafka: MockKafka):
    first, end = kafka.send_until_removed(0)
    kafka.commit(0, 4)
    kafka.send(1, [b"{}"] * 5)
    kafka.commit(1, 2)
    kafka.send(2, [b"{}"] * 5)
    kafka.commit(2, 9)  # from an earlier topic of that name

    assert positions.go_on(kafka.looking) == [Gone(0, 4, first, end), Gone(2, 9, 0, 5)]

    assert kafka.committed() == {0: first, 1: 2, 2: 0, 3: NOWHERE}, "the other partitions are unchanged"
    assert positions.find_gone(kafka.looking) == []


class LivingIndexer:
    """A consumer of a topic that grows at each request, while everything is indexed immediately."""

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


def test_a_fast_indexer_has_no_missing_messages():
    assert positions.find_gone(LivingIndexer()) == []  # type: ignore[arg-type]
