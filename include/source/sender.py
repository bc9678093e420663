"""Sends logs to Kafka without loss or duplicates, retrying indefinitely."""

import logging
import threading
from collections.abc import Mapping
from typing import Any, Final

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from include.names import LOGS_TOPIC

FLUSH_SECONDS: Final = 60
"""How long `close` waits for Kafka to acknowledge logs in flight."""
FULL_SECONDS: Final = 0.1
"""How long to wait for a full queue between two checks of the stop mark."""

log = logging.getLogger(__name__)


def producer_settings(kafka: Mapping[str, Any]) -> dict[str, Any]:
    """librdkafka settings of every sender of logs: idempotent, acknowledged by all replicas, retried indefinitely.

    `kafka`: connection settings, see include/clients/kafka.py.
    """
    return {
        **kafka,
        "enable.idempotence": True,
        "acks": "all",
        "linger.ms": 5,
        # Indefinitely: a log leaves the queue once Kafka has it, and a full queue makes the sender wait.
        "message.timeout.ms": 0,
        "reconnect.backoff.max.ms": 1000,
    }


class NotDeliveredError(RuntimeError):
    """Kafka has not acknowledged every log; the message has the number, the cause and the remedy."""


class Sender:
    """Sends logs to Kafka: idempotent, acknowledged by all replicas, retried while Kafka is down.

    Raises NotDeliveredError if a log was refused permanently, or was still in flight at the end of `close`.
    """

    def __init__(self, kafka: Mapping[str, Any], stop: threading.Event) -> None:
        self._bootstrap = kafka["bootstrap.servers"]
        self._stop = stop
        self._refused = 0
        self._refusal = ""
        self._producer = Producer(
            producer_settings(kafka)
            | {
                "delivery.report.only.error": True,
                # Critical ones only: on_error logs that Kafka is down.
                "log_level": 2,
                "error_cb": self._on_error,
                "on_delivery": self._on_failure,
            }
        )

    def _on_error(self, error: KafkaError) -> None:
        if error.code() == KafkaError._ALL_BROKERS_DOWN:
            log.warning("Kafka at %s does not answer: waiting. Is it up?", self._bootstrap)

    def _on_failure(self, error: KafkaError | None, message: Message) -> None:
        if error is not None:
            self._refused += 1
            self._refusal = error.str()

    def wait_for_topic(self) -> None:
        """Return once Kafka answers and has the topic, or when stopped. Raises NotDeliveredError without the topic."""
        while not self._stop.is_set():
            try:
                # All topics, not this one: requesting one by name can create it, with the wrong number of partitions.
                topics = self._producer.list_topics(timeout=5).topics
            except KafkaException as error:
                log.warning(
                    "Kafka at %s does not answer (%s): waiting. Is it up?", self._bootstrap, error.args[0].str()
                )
                self._stop.wait(1)
                continue
            if LOGS_TOPIC not in topics:
                raise NotDeliveredError(f"Kafka at {self._bootstrap} has no topic {LOGS_TOPIC}: run the DAG bootstrap")
            return

    def send(self, key: bytes, value: bytes | None) -> bool:
        """Queue one log; waits while the queue is full. Returns False, without queueing it, if stopped meanwhile."""
        while True:
            try:
                self._producer.produce(LOGS_TOPIC, value, key)
            except BufferError:
                if self._stop.is_set():
                    return False
                self._producer.poll(FULL_SECONDS)
            else:
                return True

    def check(self) -> None:
        """Process delivery reports so far. Raises NotDeliveredError."""
        self._producer.poll(0)
        if self._refused:
            raise NotDeliveredError(
                f"{self._refused} logs were refused by Kafka at {self._bootstrap}: {self._refusal}. "
                f"Check the topic {LOGS_TOPIC} and the broker's log, then restart the generator"
            )

    def close(self) -> None:
        """Wait until Kafka has acknowledged all logs in flight. Raises NotDeliveredError."""
        lost = self._producer.flush(FLUSH_SECONDS)
        self.check()
        if lost:
            raise NotDeliveredError(
                f"{lost} logs may not have been delivered: Kafka at {self._bootstrap} did not answer "
                f"for {FLUSH_SECONDS} s. Start it, then restart the generator"
            )
