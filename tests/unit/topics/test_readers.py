"""A stalled Kafka consumer is detected, and load and the indexer stop, so that another consumer can continue."""

import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from confluent_kafka import OFFSET_INVALID, TopicPartition

from include.clients.outside import Outside
from include.index import indexer
from include.names import STATUS_TOPIC
from include.settings import Settings
from include.topics import readers
from include.topics.readers import StalledError, StallWatch, Wait, read_batch, reader
from jobs.database import Database
from jobs.driver.holding import Lease
from jobs.loading.places import OnDriver
from jobs.loading.reader import Loading
from tests.unit.staged.deaf_kafka import DeafKafka, deaf_kafka
from tests.unit.staged.elasticsearch import StagedElasticsearch
from tests.unit.staged.mock_kafka import SECONDS, MockKafka

VERDICT = b'{"status":"good"}'
LOOK_SECONDS = 0.8


@pytest.fixture
def deaf(kafka: MockKafka) -> Iterator[DeafKafka]:
    with deaf_kafka(kafka.address) as made:
        yield made


@pytest.fixture(autouse=True)
def looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readers, "_LOOK_SECONDS", LOOK_SECONDS)
    monkeypatch.setattr(readers, "ANSWER_SECONDS", LOOK_SECONDS)


class Reading:
    """Reads the first partition as load does, and tracks its position."""

    def __init__(self, address: str, position: int = 0, others: str | None = None) -> None:
        self.consumer = reader({"bootstrap.servers": address}, "test")
        self.consumer.assign([TopicPartition(STATUS_TOPIC, 0, position)])
        self.position = position
        self.watch = StallWatch(
            self.consumer,
            {"bootstrap.servers": others or address},
            lambda: [TopicPartition(STATUS_TOPIC, 0, self.position)],
        )

    def close(self) -> None:
        self.consumer.close()

    def read(self, seconds: float, wanted: int | None = None) -> None:
        """Reads for `seconds`, or up to the wanted offset."""
        until = time.monotonic() + seconds
        while time.monotonic() < until and self.position != wanted:
            self.watch.look()
            if messages := read_batch(self.consumer, 100, Wait(0.1)).messages:
                self.position = messages[-1].offset() + 1


def test_a_reader_of_no_existing_message_has_stalled(kafka: MockKafka, deaf: DeafKafka):
    kafka.send(0, [VERDICT] * 3)
    with closing(Reading(deaf.address)) as reading:
        reading.read(SECONDS, 3)
        assert reading.position == 3
        deaf.is_deaf.set()
        reading.read(1)  # an earlier request may still be answered
        before = reading.position
        kafka.send(0, [VERDICT] * 5)
        with pytest.raises(StalledError, match=rf"partition 0 of {STATUS_TOPIC} at offset {before}"):
            reading.read(SECONDS)


def test_a_reader_that_gets_no_answer_while_others_do_has_stalled(kafka: MockKafka, deaf: DeafKafka):
    """As load probably had once after an outage: it read nothing more, and the check of its own client did not fire."""
    kafka.send(0, [VERDICT])
    with closing(Reading(deaf.address, others=kafka.address)) as reading:
        reading.read(SECONDS, 1)
        deaf.is_silent.set()
        with pytest.raises(StalledError, match="not reconnected"):
            reading.read(SECONDS)
    with closing(Reading(deaf.address)) as reading:
        reading.read(8 * LOOK_SECONDS)  # nobody gets an answer: Kafka is down


def test_a_reader_that_is_done_or_progresses_has_not_stalled(kafka: MockKafka):
    kafka.send(0, [VERDICT] * 20)
    with closing(Reading(kafka.address)) as reading:
        reading.read(SECONDS, 20)
        reading.read(3 * LOOK_SECONDS)
        reading.position = 5  # as if it had more to read
        for _ in range(4):
            time.sleep(LOOK_SECONDS)
            reading.watch.look()
            reading.position += 1


def test_a_reader_that_reads_again_after_a_rebalance_has_not_stalled(kafka: MockKafka):
    kafka.send(0, [VERDICT] * 5)
    with closing(Reading(kafka.address)) as reading:
        for _ in range(4):
            time.sleep(LOOK_SECONDS)
            reading.watch.look()
            reading.watch.start_over()


def test_nothing_stalls_while_kafka_is_down_or_positions_are_unknown(kafka: MockKafka):
    kafka.send(0, [VERDICT])
    with closing(Reading(kafka.address)) as reading:
        reading.read(SECONDS, 1)
        reading.position = OFFSET_INVALID
        for _ in range(3):
            time.sleep(LOOK_SECONDS)
            reading.watch.look()
    with closing(Reading("127.0.0.1:1")) as away:
        away.read(5 * LOOK_SECONDS)


def test_load_stops_when_its_consumer_stalls(kafka: MockKafka, deaf: DeafKafka):
    kafka.send(0, [VERDICT])
    deaf.is_deaf.set()
    settings = Settings(kafka_bootstrap=deaf.address)
    loading = Loading(OnDriver(Outside(settings), Database.of(settings)), Lease("test", 1), {0: 0})
    deadline = time.monotonic() + SECONDS
    while loading.isActive and time.monotonic() < deadline:
        time.sleep(0.05)
    loading.stop()
    assert isinstance(loading.exception(), StalledError)


def test_the_indexer_stops_when_its_consumer_stalls(
    kafka: MockKafka, deaf: DeafKafka, search: StagedElasticsearch, tmp_path: Path
):
    kafka.send(0, [VERDICT])
    deaf.is_deaf.set()
    settings = Settings(state=tmp_path, kafka_bootstrap=deaf.address, elasticsearch_url=search.url)
    stop = threading.Event()
    deadline = threading.Timer(2 * SECONDS, stop.set)
    deadline.start()
    with pytest.raises(StalledError):
        indexer.run(settings, stop)
    deadline.cancel()


def test_the_end_of_a_partition_is_reported_without_any_message(kafka: MockKafka):
    kafka.send(0, [VERDICT] * 3)
    with closing(Reading(kafka.address)) as reading:
        found = read_batch(reading.consumer, 100, Wait(1))
        assert ([message.offset() for message in found.messages], found.ends) == ([0, 1, 2], {0: 3})
    with closing(Reading(kafka.address, 3)) as reading:
        assert read_batch(reading.consumer, 100, Wait(1)) == ([], {0: 3})


def test_a_batch_waits_for_more_messages_only_until_it_has_enough(kafka: MockKafka):
    kafka.send(0, [VERDICT] * 3)
    with closing(Reading(kafka.address)) as reading:
        begin = time.monotonic()
        found = read_batch(reading.consumer, 100, Wait(0.1, enough=3, longest=60))
        assert len(found.messages) == 3
        late = threading.Timer(0.5, kafka.send, (0, [VERDICT] * 2))
        late.start()
        found = read_batch(reading.consumer, 100, Wait(0.1, enough=2, longest=60))
        late.join()
        assert [message.offset() for message in found.messages] == [3, 4]
        assert time.monotonic() - begin < 60
        assert read_batch(reading.consumer, 100, Wait(0.1, enough=1, longest=0.2)).messages == []
