"""Sends known logs and records the origin and the expected status of each."""

import threading
import time
from collections.abc import Mapping
from typing import Any

import numpy as np
from confluent_kafka import KafkaError, Message, Producer

from include.contract.model import Contract
from include.names import LOGS_TOPIC
from include.proof.bucket_sums import CODES
from include.source.accounts import Accounts
from include.source.draws import DAY_SECONDS
from include.source.generator import Pace
from include.source.making import maker
from include.source.sender import producer_settings

IDLE_SECONDS = 0.05
FLUSH_SECONDS = 120


class KnownLogs(threading.Thread):
    """A thread that sends `count` logs at `rate` per second. The last `reserve` logs wait for `allow` or `release`.

    While Kafka is down, logs are queued and retried. `refused`: number of logs that Kafka never accepted. All events
    are on the day of the start, even after midnight, because the accounts of the next day may not be loaded yet.
    """

    def __init__(
        self,
        kafka: Mapping[str, Any],
        contract: Contract,
        accounts: Accounts,
        seed: int,
        count: int,
        rate: float,
        reserve: int,
    ) -> None:
        super().__init__(name="known-logs", daemon=True)
        midnight = (time.time() // DAY_SECONDS + 1) * DAY_SECONDS
        self._maker = maker(
            contract,
            accounts,
            seed,
            share_bad=0.05,
            share_suspicious=0.05,
            clock=lambda: min(time.time(), midnight - 1),
        )
        self._count, self._rate = count, rate
        self._allowed = count - reserve
        self._stopped = threading.Event()
        self._codes: dict[int, bytearray] = {}
        self._mark = 0
        self.since: dict[int, int] = {}
        """By partition, the first offset of the logs sent since the last `mark`."""
        self.sent = self.acknowledged = self.refused = 0
        self._producer = Producer(producer_settings(kafka) | {"log_level": 0})

    def expected(self, partition: int, first: int, end: int) -> np.ndarray:
        """The expected status code of each origin in [first, end); 0 for logs that this thread did not send."""
        codes = np.frombuffer(bytes(self._codes.get(partition, b"")), np.int8)[first:end]
        return np.pad(codes, (0, end - first - len(codes)))

    def allow(self, more: int) -> None:
        """Releases `more` logs of the reserve."""
        self._allowed = min(self._allowed + more, self._count)

    def release(self) -> None:
        """Releases the whole reserve."""
        self._allowed = self._count

    def mark(self) -> None:
        """Resets `since`, which then covers all logs sent from now on."""
        self._mark = self.sent + 1  # one may be on its way into the producer
        self.since = {}

    def stop(self) -> None:
        """Stops the thread early."""
        self._stopped.set()

    def run(self) -> None:
        """Sends all logs, then waits for the acknowledgements."""
        pace = Pace(self._rate)
        while self.sent < self._count and not self._stopped.is_set():
            due = min(pace.due(), self._allowed - self.sent)
            for _ in range(due):
                self._send()
            pace.sent(due)
            self._producer.poll(0 if due else max(pace.wait(), IDLE_SECONDS))
        self._producer.flush(FLUSH_SECONDS)

    def _send(self) -> None:
        log, number = self._maker.make(), self.sent
        code = CODES[log.status]

        def delivered(error: KafkaError | None, message: Message) -> None:
            if error is not None:
                self.refused += 1
                return
            partition, offset = message.partition(), message.offset()
            assert partition is not None  # noqa: S101  # it was delivered
            assert offset is not None  # noqa: S101
            known = self._codes.setdefault(partition, bytearray())
            known.extend(bytes(max(offset + 1 - len(known), 0)))
            known[offset] = code
            if number >= self._mark:
                self.since.setdefault(partition, offset)
            self.acknowledged += 1

        while True:
            try:
                self._producer.produce(LOGS_TOPIC, log.value, log.key, on_delivery=delivered)
                self.sent += 1
                return
            except BufferError:
                self._producer.poll(0.1)
                if self._stopped.is_set():
                    return
