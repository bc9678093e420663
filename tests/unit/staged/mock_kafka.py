"""A Kafka on loopback, inside this process: the mock broker of librdkafka, for real clients.

It makes topics of four partitions when they are asked for, and gives a group its partitions after three seconds.
"""

from confluent_kafka import Consumer, Producer, TopicPartition

from include.names import STATUS_TOPIC
from include.topics import marks

SECONDS = 10
_KEPT_BYTES = 5 * 1024 * 1024
"""Of a partition; older messages are removed."""


class MockKafka:
    """A mock broker that stops with this object. `looking` is a read-only consumer of the group."""

    def __init__(self, group: str) -> None:
        self._producer = Producer({"bootstrap.servers": "mock", "test.mock.num.brokers": 1, "log_level": 0})
        (broker,) = self._producer.list_topics(timeout=SECONDS).brokers.values()
        self.address = f"{broker.host}:{broker.port}"
        config = {"bootstrap.servers": self.address, "group.id": group, "enable.auto.commit": False, "log_level": 0}
        self.looking = Consumer(config)

    def close(self) -> None:
        self.looking.close()

    def send(self, partition: int, values: list[bytes]) -> None:
        """Sends status messages, each with the origin of its own offset, if they are the first, as its key."""
        for offset, value in enumerate(values):
            self._producer.produce(
                STATUS_TOPIC, value, f"{partition}-{offset}".encode(), partition, headers=[marks.STREAM]
            )
            self._producer.flush(SECONDS)  # one by one: it removes what was sent together

    def send_until_removed(self, partition: int) -> tuple[int, int]:
        """Sends until the oldest messages are removed. Returns the first remaining offset and the next one."""
        self.send(partition, [b'{"status":"good"}'] * 10 + [b" " * (_KEPT_BYTES // 10)] * 12)
        return self.looking.get_watermark_offsets(TopicPartition(STATUS_TOPIC, partition), timeout=SECONDS)

    def commit(self, partition: int, offset: int) -> None:
        self.looking.commit(offsets=[TopicPartition(STATUS_TOPIC, partition, offset)], asynchronous=False)

    def committed(self) -> dict[int, int]:
        """Returns the group's committed offsets by partition; below 0 if there is none."""
        partitions = [TopicPartition(STATUS_TOPIC, number) for number in range(4)]
        return {each.partition: each.offset for each in self.looking.committed(partitions, timeout=SECONDS)}
