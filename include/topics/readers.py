"""Readers of the status topic: the indexer and `load` read its messages in batches."""

import logging
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition
from confluent_kafka.admin import AdminClient

from include.clients.kafka import UNPACKED
from include.names import STATUS_TOPIC

BATCH_BYTES: Final = 32 * 1024 * 1024
READ_MESSAGES: Final = 500
"""Messages per call. A batch exceeds BATCH_BYTES by at most these messages; that of a bad log can be 87 KiB."""

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
_MOST_UNANSWERED: Final = 2
"""Checks in a row in which Kafka answers others but not the consumer."""
ANSWER_SECONDS: Final = 2
"""Time limit for Kafka's answer to a stall check. The check blocks reading and stopping."""

log = logging.getLogger(__name__)


class StalledError(RuntimeError):
    """The Kafka consumer stalled although there are messages to read: another consumer must continue."""


class StallWatch:
    """Detects a reader that does not read existing messages: librdkafka can stall silently in an outage of Kafka.

    `read_up_to` returns the next message of each assigned partition, with an offset below 0 if it is not known.
    `kafka`: with what a second client asks, where the consumer gets no answer; see include/clients/kafka.py.
    """

    def __init__(
        self, consumer: Consumer, kafka: Mapping[str, Any], read_up_to: Callable[[], list[TopicPartition]]
    ) -> None:
        self._consumer, self._kafka, self._read_up_to = consumer, kafka, read_up_to
        self._looked_at, self._unanswered = time.monotonic(), 0
        self._waiting: frozenset[tuple[int, int]] = frozenset()

    def start_over(self) -> None:
        """Call this when the consumer gets its partitions: it reads again what was not committed before."""
        self._looked_at, self._waiting = time.monotonic(), frozenset()

    def look(self) -> None:
        """Call this for every batch; it asks Kafka every five seconds. While Kafka is down, it detects nothing.

        Raises StalledError if a message that was waiting at the previous check is still waiting, or if Kafka answered
        another client but not the consumer, twice in a row.
        """
        if time.monotonic() - self._looked_at < _LOOK_SECONDS:
            return
        before, self._waiting = self._waiting, frozenset()
        try:
            self._waiting = frozenset(
                (each.partition, each.offset) for each in self._read_up_to() if 0 <= each.offset < self._end(each)
            )
            self._unanswered = 0
        except KafkaException as error:
            log.debug("Kafka did not return the ends of the partitions: %s", error.args[0].str())
            self._unanswered = self._unanswered + 1 if self._others_are_answered() else 0
            if self._unanswered >= _MOST_UNANSWERED:
                raise StalledError("the Kafka consumer has not reconnected, though Kafka answers others") from error
        self._looked_at = time.monotonic()
        for partition, offset in before & self._waiting:
            raise StalledError(
                f"the Kafka consumer has stalled in partition {partition} of {STATUS_TOPIC} at offset {offset}"
            )

    def _end(self, each: TopicPartition) -> int:
        _, end = self._consumer.get_watermark_offsets(each, timeout=ANSWER_SECONDS)
        return int(end)

    def _others_are_answered(self) -> bool:
        try:
            AdminClient({**self._kafka, "log_level": 0}).list_topics(STATUS_TOPIC, timeout=ANSWER_SECONDS)
        except KafkaException:
            return False
        return True


def reader(kafka: Mapping[str, Any], group: str, **options: Any) -> Consumer:
    """Returns an unassigned consumer for `read_batch` without auto-commit. `kafka`: see include/clients/kafka.py."""

    def on_error(error: KafkaError) -> None:
        if error.code() == KafkaError._ALL_BROKERS_DOWN:
            log.warning("Kafka at %s does not answer: waiting. Is it up?", kafka["bootstrap.servers"])

    return Consumer(
        {
            **kafka,
            "group.id": group,
            "enable.auto.commit": False,
            # Reports the end of a partition: a transaction marker may follow the last message.
            "enable.partition.eof": True,
            # Reconnects within one second of Kafka's recovery; the default is ten.
            "reconnect.backoff.max.ms": 1000,
            # How soon a topic is found that is created after the start; librdkafka's default is five minutes.
            "topic.metadata.refresh.interval.ms": 5000,
            # Kafka answers once it has this many bytes or this time is over, not for every few messages.
            "fetch.min.bytes": 1024 * 1024,
            "fetch.wait.max.ms": 100,
            "receive.message.max.bytes": UNPACKED,
            # Bounds the memory of queued messages, in KiB, and the pause before fetching into a full queue again.
            "queued.max.messages.kbytes": 32 * 1024,
            "fetch.queue.backoff.ms": 10,
            "error_cb": on_error,
            # Critical only: while Kafka is down it logs 20 lines a second, and on_error already logs that.
            "log_level": 2,
            **options,
        }
    )


class Batch(NamedTuple):
    """Messages that were read (confluent_kafka.Message), and by partition the offset up to which everything was read.

    This offset can be after the last message, or exist without any message, because of transaction markers.
    """

    messages: list[Any]
    ends: dict[int, int]


class Wait(NamedTuple):
    """How long a batch waits for more messages: `seconds`, and with fewer than `enough` of them up to `longest`."""

    seconds: float
    enough: int = 0
    longest: float = 0


def read_batch(consumer: Consumer, most: int, wait: Wait) -> Batch:
    """Reads as long as `wait` says, or until the batch has slightly more than `most` messages or BATCH_BYTES.

    Raises KafkaException for errors that a retry does not fix.
    """
    batch = Batch([], {})
    size = 0
    begin = time.monotonic()
    while len(batch.messages) < most and size < BATCH_BYTES:
        spent, missing = time.monotonic() - begin, wait.enough - len(batch.messages)
        if spent < wait.seconds:
            received = consumer.consume(READ_MESSAGES, wait.seconds - spent)
        elif missing > 0 and spent < wait.longest:
            received = consumer.consume(missing, wait.longest - spent)
        else:
            break
        messages = [each for each in received if _is_message(each, batch.ends)]
        batch.messages.extend(messages)
        size += sum(map(len, messages))  # bytes of their values
    # Messages arrive in order, so the last one of each partition counts.
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
        log.warning("The topic %s does not exist yet: waiting. The DAG bootstrap creates it", STATUS_TOPIC)
    else:
        log.warning("Kafka reports %s: retrying", error.str())
    return False
