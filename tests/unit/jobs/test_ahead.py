"""Which logs classify must not read, and how many a poll may return; with a Kafka inside this process."""

from collections.abc import Iterator

import pytest
from confluent_kafka import Producer

from include import names
from include.clients import outside
from include.settings import Settings
from jobs.judging import ahead
from tests.unit.staged.mock_kafka import SECONDS, MockKafka

MIB = 2**20
HEAP = 32 * MIB
"""With this heap, a log of more than 1 MiB is too large."""
GO_ZERO = -6795364578871345152


@pytest.fixture
def kafka() -> Iterator[MockKafka]:
    made = MockKafka("test")
    yield made
    made.close()


def reaching(kafka: MockKafka) -> outside.Outside:
    return outside.Outside(Settings(kafka_bootstrap=kafka.address))


def send(kafka: MockKafka, value: bytes | None, codec: str = "none", timestamp: int = 0) -> None:
    options = {"message.max.bytes": 10**9, "compression.type": codec, "log_level": 0}
    producer = Producer({"bootstrap.servers": kafka.address, **options})
    producer.produce(names.LOGS_TOPIC, value, partition=0, timestamp=timestamp)
    assert not producer.flush(SECONDS)


def logs(kafka: MockKafka, begin: int = 0) -> list[ahead.Log]:
    with ahead.reader(reaching(kafka)) as consumer:
        return list(ahead.read(consumer, 0, begin, HEAP))


def test_all_logs_that_spark_cannot_read_are_found(kafka: MockKafka) -> None:
    send(kafka, b"good")
    assert ahead.look(reaching(kafka), {0: 0}, HEAP) == ahead.Ahead({}, ahead.POLL_RECORDS)
    assert ahead.look(reaching(kafka), {0: 1}, HEAP) == ahead.Ahead({}, ahead.POLL_RECORDS), "nothing waits"
    send(kafka, None)
    send(kafka, b"odd", timestamp=GO_ZERO)
    send(kafka, b"good")
    assert ahead.look(reaching(kafka), {0: 0, 1: 0}, HEAP).odd == {0: 3}
    send(kafka, b"x" * 40 * MIB, "zstd")
    send(kafka, b"good")
    seen = ahead.look(reaching(kafka), {0: 0, 1: 0}, HEAP)
    assert seen == ahead.Ahead({0: 5}, 1)
    first, tombstone, odd, _, large, last = logs(kafka)
    assert (first.value, first.size, first.is_readable) == (b"good", 4, True)
    assert (tombstone.value, tombstone.size, tombstone.is_readable) == (None, None, True)
    assert (odd.milliseconds, odd.is_readable) == (GO_ZERO, True)
    assert (large.value, large.size, large.is_readable) == (b"x" * names.MAX_RAW, 40 * MIB, False)
    assert last.offset == 5


def test_a_log_that_librdkafka_cannot_decompress_either_has_no_value(
    kafka: MockKafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(outside.LOOKING, "receive.message.max.bytes", 60_000_000)
    send(kafka, b"good")
    send(kafka, b"x" * 100 * MIB, "zstd")
    send(kafka, b"good")
    found = [(log.offset, log.value, log.size, log.is_readable) for log in logs(kafka)]
    assert found == [(0, b"good", 4, True), (1, None, None, False), (2, b"good", 4, True)]


@pytest.mark.parametrize(
    ("sizes", "records"),
    [
        ([], 10_000),
        ([50] * 10_000, 10_000),
        ([900] * 1_200, 1_000),
        ([1_000_000], 10_000),
        ([1] * 5_000 + [50_000] * 100 + [1] * 5_000, 10),
        ([100_000, 900_000, 100_000], 1),
        ([1_000_001, 1], 1),
    ],
)
def test_a_poll_returns_no_more_than_fits(sizes: list[int], records: int) -> None:
    assert ahead.fitting(sizes, 1_000_000) == records
