"""The loop of load for one partition of the status topic: reads the next batch while the last one is written."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from typing import Final

from confluent_kafka import TopicPartition

from include import names
from include.clients.outside import Outside
from include.topics.readers import StallWatch, Wait, read_batch, reader
from jobs.database import Database
from jobs.driver.holding import Lease
from jobs.loading import foreign, transaction

WAIT: Final = Wait(0.12, enough=48, longest=0.4)
"""How long a transaction waits for more messages: at a low rate, `load` costs little but its transactions."""
_FETCH_MILLISECONDS: Final = 50
"""How long Kafka waits for a fetch's worth of them."""


@dataclass(frozen=True)
class Loop:
    """Loads the messages [begin, end) of a partition; without `end`, until it is stopped.

    `messages`: most in one transaction. `waiting_kib`: most KiB of messages that wait for one. `group`: name of
    the loops that run and end together.
    """

    partition: int
    begin: int
    end: int | None
    lease: Lease
    messages: int
    waiting_kib: int
    group: str

    @property
    def name(self) -> str:
        """The name of its thread."""
        return f"{self.group}-{self.partition}"

    def run(
        self,
        outside: Outside,
        database: Database,
        ended: threading.Event,
        on_written: Callable[[], None] = lambda: None,
    ) -> None:
        """Runs until `ended`, or its end. `on_written` is called after each transaction, from another thread.

        Raises KafkaException, StalledError, and the errors of `transaction.write`.
        """
        # Removed messages were not loaded: they must cause an error, not be skipped.
        options = {
            "auto.offset.reset": "error",
            "queued.max.messages.kbytes": self.waiting_kib,
            "fetch.wait.max.ms": _FETCH_MILLISECONDS,
        }
        with (
            closing(reader(outside.kafka, names.DRIVER, **options)) as consumer,
            ThreadPoolExecutor(1, f"{self.name}-writer") as writer,
        ):
            consumer.assign([TopicPartition(names.STATUS_TOPIC, self.partition, self.begin)])
            position = self.begin
            stalls = StallWatch(
                consumer, outside.kafka, lambda: [TopicPartition(names.STATUS_TOPIC, self.partition, position)]
            )

            def write(batch: foreign.Batch) -> None:
                transaction.write(database, self.lease, batch)
                on_written()

            writing: Future[None] | None = None
            while not ended.is_set() and (self.end is None or position < self.end):
                stalls.look()
                messages, ends = read_batch(consumer, self.messages, WAIT)
                end = ends.get(self.partition, position)
                batch = foreign.batch(self.partition, messages, end) if end > position else None
                # The next batch is read while this one is written; an error must surface even if no batch follows.
                if writing and (batch or writing.done()):
                    writing.result()
                    writing = None
                if batch:
                    writing = writer.submit(write, batch)
                    position = end
            if writing:
                writing.result()
