"""load, as it runs: for each partition of the status topic a thread that reads its messages, and one that loads them.

Not a Spark query, though it looks like one to jobs/driver/queries.py: planning a micro-batch and handing its rows to
Python cost more than loading them (docs/decisions.md).
"""

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from typing import Final

from confluent_kafka import TopicPartition

from include import names
from include.clients import kafka
from include.settings import Settings
from include.topics.readers import StallWatch, read_batch, reader
from include.watch.troubles import Troubles
from jobs.database import Database, cut
from jobs.driver import positions
from jobs.driver.holding import Lease
from jobs.loading import foreign, transaction

_BATCH_MESSAGES: Final = 20_000
"""The most in one transaction."""
_MESSAGES: Final = 80_000
"""The most in those of all partitions together: they are what takes memory here."""
BATCH_SECONDS: Final = 0.4
"""How long a transaction waits for more: at a low rate, its own cost is all that `load` costs."""
_STOP_SECONDS: Final = 3
"""How long a stop waits for transactions: MySQL may hold one, as behind a lock, for as long as it likes."""
_STEADY_SECONDS: Final = 8
_WAITING_KIB: Final = 32 * 1024
"""The most that waits to be taken into one, of all partitions together."""


def begin(settings: Settings, lease: Lease, troubles: Troubles, *, bounded: bool) -> "Loading":
    """Starts loading behind what MySQL has. `bounded`: up to what the status topic has now.

    Raises KafkaException, LogsGoneError and errors of MySQL.
    """
    end = positions.ends_of_verdicts(settings) if bounded else None
    first = positions.of_verdicts(Database.of(settings), settings)
    return Loading(settings, lease, first, end, lambda: troubles.clear(Loading.name))


class Loading:
    """Loads from the first of `begin`, offsets by partition, until it is stopped or fails, or up to those of `end`.

    `on_steady` is called, by any of its threads, after each transaction, once it has run for longer than MySQL takes
    to refuse one: where a partition fails again and again, the others load in between.
    """

    name: Final = "load"

    def __init__(
        self,
        settings: Settings,
        lease: Lease,
        begin: Mapping[int, int],
        end: Mapping[int, int] | None = None,
        on_steady: Callable[[], None] = lambda: None,
    ) -> None:
        self._on_steady, self._begun_at = on_steady, time.monotonic()
        self._kafka, self._database, self._lease = kafka.native(settings), Database.of(settings), lease
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
    def isActive(self) -> bool:  # as Spark's queries have it
        """Whether a partition is still being loaded."""
        return any(thread.is_alive() for thread in self._threads)

    def exception(self) -> Exception | None:
        """What it failed with, if it did."""
        return self._error

    def stop(self) -> None:
        """Ends it between two transactions, and waits for that; one that MySQL holds is given up, and rolled back."""
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
        except Exception as error:  # noqa: BLE001  # whoever runs the queries raises it
            self._error = self._error or error
            self._ended.set()

    def _load(self, partition: int, begin: int) -> None:
        # What is not there any more was not loaded: that has to stop us, not to be skipped.
        options = {"auto.offset.reset": "error", "queued.max.messages.kbytes": self._waiting_kib}
        with (
            closing(reader(self._kafka, names.DRIVER, **options)) as consumer,
            ThreadPoolExecutor(1, f"{self._name}-{partition}-writer") as writer,
        ):
            consumer.assign([TopicPartition(names.STATUS_TOPIC, partition, begin)])
            position = begin
            stalls = StallWatch(consumer, lambda: [TopicPartition(names.STATUS_TOPIC, partition, position)])
            writing: Future[int] | None = None
            while not self._ended.is_set() and (self._end is None or position < self._end[partition]):
                stalls.look()
                messages, ends = read_batch(consumer, self._most, BATCH_SECONDS)
                end = ends.get(partition, position)
                batch = foreign.batch(partition, messages, end) if end > position else None
                # The next batch is read while this one is written; what went wrong is to be seen without a next one.
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
