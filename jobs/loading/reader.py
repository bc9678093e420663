"""The running load: for each partition of the status topic, one thread reads its messages and another loads them.

It is not a Spark query, though it has the same interface for jobs/driver/queries.py: planning a micro-batch and passing
its rows to Python cost more than loading them (docs/decisions.md).
"""

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from typing import Final

from confluent_kafka import TopicPartition

from include import names
from include.clients.outside import Outside
from include.topics.readers import StallWatch, read_batch, reader
from include.watch.troubles import Troubles
from jobs.database import Database, cut
from jobs.driver import positions
from jobs.driver.holding import Lease
from jobs.loading import foreign, transaction

_BATCH_MESSAGES: Final = 20_000
"""Most messages in one transaction."""
_MESSAGES: Final = 80_000
"""Most messages in the transactions of all partitions together, which use most of the memory here."""
BATCH_SECONDS: Final = 0.4
"""How long a transaction waits for more messages: at a low rate, `load` costs little but its transactions."""
_STOP_SECONDS: Final = 3
"""How long a stop waits for transactions: MySQL may block one indefinitely, for example at a lock."""
_STEADY_SECONDS: Final = 8
_WAITING_KIB: Final = 32 * 1024
"""Most KiB of messages waiting for a transaction, of all partitions together."""


def begin(outside: Outside, database: Database, lease: Lease, troubles: Troubles, *, bounded: bool) -> "Loading":
    """Starts loading after the last row in MySQL. `bounded`: up to the current end of the status topic.

    Raises KafkaException, LogsGoneError and errors of MySQL.
    """
    end = positions.ends_of_verdicts(outside) if bounded else None
    first = positions.of_verdicts(database, outside)
    return Loading(outside, database, lease, first, end, lambda: troubles.clear(Loading.name))


class Loading:
    """Loads from the offsets in `begin`, by partition, until it is stopped or fails, or up to the offsets in `end`.

    `on_steady` is called from any of its threads after each transaction, but only once it has run for longer than MySQL
    takes to refuse a transaction: when one partition fails repeatedly, the others still load in between.
    """

    name: Final = "load"

    def __init__(
        self,
        outside: Outside,
        database: Database,
        lease: Lease,
        begin: Mapping[int, int],
        end: Mapping[int, int] | None = None,
        on_steady: Callable[[], None] = lambda: None,
    ) -> None:
        self._on_steady, self._begun_at = on_steady, time.monotonic()
        self._kafka, self._database, self._lease = outside.kafka, database, lease
        self._end = end
        partitions = max(len(begin), 1)
        self._most = min(_BATCH_MESSAGES, _MESSAGES // partitions)
        self._waiting_kib = _WAITING_KIB // partitions
        self._name = f"load-{id(self)}"
        self._ended = threading.Event()
        self._error: Exception | None = None
        self._threads = [
            threading.Thread(target=self._run, args=place, name=f"{self._name}-{place[0]}", daemon=True)
            for place in begin.items()
        ]
        for thread in self._threads:
            thread.start()

    @property
    def isActive(self) -> bool:  # named as in Spark's queries
        """Whether a partition is still being loaded."""
        return any(thread.is_alive() for thread in self._threads)

    def exception(self) -> Exception | None:
        """The error it failed with, if any."""
        return self._error

    def stop(self) -> None:
        """Stops between two transactions, and waits for that; a transaction that MySQL blocks is rolled back."""
        self._ended.set()
        deadline = time.monotonic() + _STOP_SECONDS
        for thread in self._threads:
            thread.join(max(deadline - time.monotonic(), 0))
        while self.isActive:
            cut(self._name)
            for thread in self._threads:
                thread.join(0.1)

    def _run(self, partition: int, begin: int) -> None:
        try:
            self._load(partition, begin)
        except Exception as error:  # noqa: BLE001  # queries.run raises it
            self._error = self._error or error
            self._ended.set()

    def _load(self, partition: int, begin: int) -> None:
        # Removed messages were not loaded: they must cause an error, not be skipped.
        options = {"auto.offset.reset": "error", "queued.max.messages.kbytes": self._waiting_kib}
        with (
            closing(reader(self._kafka, names.DRIVER, **options)) as consumer,
            ThreadPoolExecutor(1, f"{self._name}-{partition}-writer") as writer,
        ):
            consumer.assign([TopicPartition(names.STATUS_TOPIC, partition, begin)])
            position = begin
            stalls = StallWatch(
                consumer, self._kafka, lambda: [TopicPartition(names.STATUS_TOPIC, partition, position)]
            )
            writing: Future[int] | None = None
            while not self._ended.is_set() and (self._end is None or position < self._end[partition]):
                stalls.look()
                messages, ends = read_batch(consumer, self._most, BATCH_SECONDS)
                end = ends.get(partition, position)
                batch = foreign.batch(partition, messages, end) if end > position else None
                # The next batch is read while this one is written; an error must surface even if no batch follows.
                if writing and (batch or writing.done()):
                    writing.result()
                    writing = None
                if batch:
                    writing = writer.submit(self._write, batch)
                    position = end
            if writing:
                writing.result()

    def _write(self, batch: foreign.Batch) -> int:
        count = transaction.write(self._database, self._lease, batch)
        if time.monotonic() - self._begun_at > _STEADY_SECONDS:
            self._on_steady()
        return count
