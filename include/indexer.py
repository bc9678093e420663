"""The indexer: the status topic into Elasticsearch. Run it with `python -m include.indexer`; SIGTERM ends it."""

import logging
import signal
import threading
import time
from collections.abc import Iterable, Mapping
from typing import Any, Final

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from include import kafka_client
from include.bulk import BulkWriter, StatusMessage, StoppedError
from include.dead_letters import DeadLetters
from include.names import STATUS_TOPIC
from include.search_index import connect
from include.settings import Settings

GROUP: Final = "logsieve-indexer"
BATCH_MESSAGES: Final = 4000
BATCH_BYTES: Final = 32 * 1024 * 1024
READ_MESSAGES: Final = 500
"""Taken from Kafka at once, so a batch is at most about BATCH_BYTES plus these: bad logs can be 87 KiB each."""
BATCH_SECONDS: Final = 0.2
"""How long a batch waits to fill: what a log at a low rate is late by."""
REPORT_SECONDS: Final = 60

_HOPELESS: Final = frozenset(
    {
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.GROUP_AUTHORIZATION_FAILED,
        KafkaError._AUTHENTICATION,
        KafkaError._FATAL,
    }
)

log = logging.getLogger(__name__)


def _consumer(kafka: Mapping[str, Any]) -> Consumer:
    def on_error(error: KafkaError) -> None:
        if error.code() == KafkaError._ALL_BROKERS_DOWN:
            log.warning("Kafka at %s does not answer: waiting. Is it up?", kafka["bootstrap.servers"])

    return Consumer(
        {
            **kafka,
            "group.id": GROUP,
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            # Kafka is found again a second after its return, not ten.
            "reconnect.backoff.max.ms": 1000,
            # How soon a killed indexer is replaced; the 45 s of librdkafka are long for watchers of the index.
            "session.timeout.ms": 10_000,
            # A topic that is made after us is found this soon; librdkafka's own is five minutes.
            "topic.metadata.refresh.interval.ms": 5000,
            # Bounds the memory of messages that wait, in KiB.
            "queued.max.messages.kbytes": 32 * 1024,
            "error_cb": on_error,
            # Critical ones only: it says twenty times a second that Kafka is away, and on_error says it already.
            "log_level": 2,
        }
    )


def _status_messages(received: Iterable[Any]) -> list[StatusMessage]:
    """The messages among what was received (confluent_kafka.Message).

    Raises KafkaException for errors that waiting does not mend.
    """
    messages = []
    for each in received:
        error = each.error()
        if error is None:
            messages.append(StatusMessage(each.partition(), each.offset(), each.key(), each.value()))
        elif error.code() in _HOPELESS or error.fatal():
            raise KafkaException(error)
        elif error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
            log.warning("There is no topic %s yet: waiting. The DAG bootstrap makes it", STATUS_TOPIC)
        else:
            log.warning("Kafka: %s: waiting", error.str())
    return messages


def _read_batch(consumer: Consumer) -> list[StatusMessage]:
    batch: list[StatusMessage] = []
    size = 0
    until = time.monotonic() + BATCH_SECONDS
    while len(batch) < BATCH_MESSAGES and size < BATCH_BYTES and (left := until - time.monotonic()) > 0:
        messages = _status_messages(consumer.consume(READ_MESSAGES, left))
        batch += messages
        size += sum(len(message.value or b"") for message in messages)
    return batch


def _commit(consumer: Consumer, messages: list[StatusMessage]) -> None:
    ends = {message.partition: message.offset + 1 for message in messages}
    try:
        consumer.commit(
            offsets=[TopicPartition(STATUS_TOPIC, partition, end) for partition, end in ends.items()],
            asynchronous=False,
        )
    except KafkaException as error:
        # Kafka is away, or has given the partitions anew. Uncommitted messages come again and change nothing.
        if error.args[0].fatal():
            raise
        log.warning("Offsets are not committed (%s): the messages may be read again", error.args[0].str())


def run(settings: Settings, stop: threading.Event) -> None:
    """Index status messages until `stop`. Offsets are committed once their messages are documents or dead letters.

    Waits while Kafka or Elasticsearch is away. Raises what waiting does not mend: KafkaException, elasticsearch's
    ApiError, RuntimeError (another mapping), OSError (dead letters).
    """
    letters = DeadLetters(settings.dead_letters)
    writer = BulkWriter(connect(settings), stop)
    consumer = _consumer(kafka_client.native(settings))
    consumer.subscribe([STATUS_TOPIC])
    indexed = refused = 0
    reported_at = time.monotonic()
    try:
        while not stop.is_set():
            messages = _read_batch(consumer)
            if messages:
                dead = writer.write(messages)
                if dead:
                    letters.append(dead)
                    log.error("%d status messages refused, the first: %s", len(dead), dead[0].reason)
                _commit(consumer, messages)
                indexed += len(messages) - len(dead)
                refused += len(dead)
            if time.monotonic() - reported_at >= REPORT_SECONDS:
                log.info("%d indexed, %d refused since the start", indexed, refused)
                reported_at = time.monotonic()
    except StoppedError:
        log.warning("Stopped while Elasticsearch was away: the batch in hand is read again at the next start")
    finally:
        consumer.close()
    log.info("Stopped: %d indexed, %d refused", indexed, refused)


def main() -> None:
    """Run with the settings of the environment until SIGTERM or SIGINT."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    # One line a request otherwise, and ours says more.
    logging.getLogger("elastic_transport").setLevel(logging.ERROR)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    run(Settings(), stop)


if __name__ == "__main__":
    main()
