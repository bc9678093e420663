"""Readers of the status topic: the indexer and `load` take its messages in batches."""

import logging
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from include.clients.kafka import UNPACKED
from include.names import STATUS_TOPIC

BATCH_BYTES: Final = 32 * 1024 * 1024
READ_MESSAGES: Final = 500
"""Taken from Kafka at once, so a batch is at most about BATCH_BYTES plus these: bad logs can be 87 KiB each."""

_HOPELESS: Final = frozenset(
    {
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.GROUP_AUTHORIZATION_FAILED,
        KafkaError._AUTHENTICATION,
        KafkaError._AUTO_OFFSET_RESET,
        KafkaError._FATAL,
    }
)
_LOOK_SECONDS: Final = 5
ANSWER_SECONDS: Final = 2
"""How long Kafka may take for an answer to a look: so long nothing is read, and a stop waits."""

log = logging.getLogger(__name__)


class StalledError(RuntimeError):
    """The client of Kafka has ceased to read, though there is something: another one has to go on."""


class StallWatch:
    """Notices that a reader does not read what is there: librdkafka's may cease to, without a word, at an outage.

    `read_up_to` gives the next message of each partition that it reads, offsets below 0 where that is not known.
    """

    def __init__(self, consumer: Consumer, read_up_to: Callable[[], list[TopicPartition]]) -> None:
        self._consumer, self._read_up_to = consumer, read_up_to
        self._looked_at = time.monotonic()
        self._waiting: frozenset[tuple[int, int]] = frozenset()

    def look(self) -> None:
        """To be called as often as a batch is read; asks Kafka every five seconds. While that is away nothing is known.

        Raises StalledError where a message waits that was waiting the last time.
        """
        if time.monotonic() - self._looked_at < _LOOK_SECONDS:
            return
        before, self._waiting = self._waiting, frozenset()
        try:
            self._waiting = frozenset(
                (each.partition, each.offset) for each in self._read_up_to() if 0 <= each.offset < self._end(each)
            )
        except KafkaException as error:
            log.debug("Kafka does not tell what there is to read: %s", error.args[0].str())
        self._looked_at = time.monotonic()
        for partition, offset in before & self._waiting:
            raise StalledError(
                f"the client of Kafka has ceased to read partition {partition} of {STATUS_TOPIC} at offset {offset}"
            )

    def _end(self, each: TopicPartition) -> int:
        _, end = self._consumer.get_watermark_offsets(each, timeout=ANSWER_SECONDS)
        return int(end)


def reader(kafka: Mapping[str, Any], group: str, **options: Any) -> Consumer:
    """A consumer for `read_batch`, unassigned, that commits nothing itself. `kafka`: see include/clients/kafka.py."""

    def on_error(error: KafkaError) -> None:
        if error.code() == KafkaError._ALL_BROKERS_DOWN:
            log.warning("Kafka at %s does not answer: waiting. Is it up?", kafka["bootstrap.servers"])

    return Consumer(
        {
            **kafka,
            "group.id": group,
            "enable.auto.commit": False,
            # The end of a partition is told: it may be a marker, behind the last message.
            "enable.partition.eof": True,
            # Kafka is found again a second after its return, not ten.
            "reconnect.backoff.max.ms": 1000,
            # A topic that is made after us is found this soon; librdkafka's own is five minutes.
            "topic.metadata.refresh.interval.ms": 5000,
            # Kafka answers when that much is there, or then: else it is asked for each handful.
            "fetch.min.bytes": 1024 * 1024,
            "fetch.wait.max.ms": 100,
            "receive.message.max.bytes": UNPACKED,
            # Bounds the memory of messages that wait, in KiB; and how soon it is asked again whether some were taken.
            "queued.max.messages.kbytes": 32 * 1024,
            "fetch.queue.backoff.ms": 10,
            "error_cb": on_error,
            # Critical ones only: it says twenty times a second that Kafka is away, and on_error says it already.
            "log_level": 2,
            **options,
        }
    )


class Batch(NamedTuple):
    """What was read: messages (confluent_kafka.Message), and by partition the offset up to which there is no other one.

    That may be behind the last message, where a transaction has left its marker; also where there is no message.
    """

    messages: list[Any]
    ends: dict[int, int]


def read_batch(consumer: Consumer, most: int, seconds: float) -> Batch:
    """What comes within `seconds`, up to `most` messages and a few more, or BATCH_BYTES.

    Raises KafkaException for errors that waiting does not mend.
    """
    batch = Batch([], {})
    size = 0
    until = time.monotonic() + seconds
    while len(batch.messages) < most and size < BATCH_BYTES and (left := until - time.monotonic()) > 0:
        messages = [each for each in consumer.consume(READ_MESSAGES, left) if _is_message(each, batch.ends)]
        batch.messages.extend(messages)
        size += sum(map(len, messages))  # of their values
    # The last of each partition counts, as they come in order.
    last: dict[Any, Any] = dict(
        zip(map(Message.partition, batch.messages), map(Message.offset, batch.messages), strict=True)
    )
    for partition, offset in last.items():
        batch.ends[partition] = max(batch.ends.get(partition, 0), offset + 1)
    return batch


def _is_message(received: Message, ends: dict[int, int]) -> bool:
    error = received.error()
    if error is None:
        return True
    if error.code() == KafkaError._PARTITION_EOF:
        ends[received.partition() or 0] = received.offset() or 0
        return False
    if error.code() in _HOPELESS or error.fatal():
        raise KafkaException(error)
    if error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
        log.warning("There is no topic %s yet: waiting. The DAG bootstrap makes it", STATUS_TOPIC)
    else:
        log.warning("Kafka: %s: waiting", error.str())
    return False
