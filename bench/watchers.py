"""The processes around a latency run: one sends at a rate, one watches verdicts arrive, one watches rows appear.

Each has its own process, so that none delays another. `ready` waits until all three are connected; `stop` returns
whether to stop. Times are microseconds since 1970, on one clock.
"""

import time
from array import array
from collections.abc import Callable, Mapping
from contextlib import closing
from typing import Any, Final

import numpy as np
from confluent_kafka import Consumer, Producer, TopicPartition

from bench import own_stack
from include import names
from include.clients import kafka
from include.settings import Settings
from include.source.accounts import Accounts
from include.source.generator import LARGEST_STEP, Pace
from include.source.log_maker import LogMaker
from include.source.sender import producer_settings
from jobs.database import Database

LOOK_SECONDS: Final = 0.005
"""Interval between two reads from MySQL: a row is detected late by at most this much."""
_RECEIVED: Final = b'"received_at":"'
_TEXT: Final = len("2026-01-15T08:00:00.000")
_AT_ONCE: Final = 1_000_000
_LOADED: Final = f"SELECT kafka_partition, last_offset FROM {names.LOGS_DATABASE}.{names.PROGRESS_TABLE}"

Ready = Callable[[], object]
Stop = Callable[[], bool]


def send(settings: Settings, rate: float, seconds: float, seed: int, ready: Ready, stop: Stop) -> tuple[int, float]:
    """Sends logs at `rate` for `seconds`, each without delay, or until `stop`. Returns their number, and the seconds.

    Kafka's timestamp of each log is the time at which the client got it, in milliseconds, rounded down, so it is never
    too late. Raises RuntimeError if Kafka does not accept all logs.
    """
    maker = LogMaker(
        Accounts(settings.seed, settings.accounts), seed, share_bad=0.05, share_suspicious=0.05,
        clock=lambda: own_stack.BEGIN,
    )  # fmt: skip
    producer = Producer(producer_settings(kafka.native(settings)) | {"linger.ms": 0})
    producer.list_topics(timeout=30)
    ready()
    begin, pace, wanted, sent = time.monotonic(), Pace(rate), round(rate * seconds), 0
    while sent < wanted and not stop():
        step = min(pace.due(), LARGEST_STEP, wanted - sent)
        if not step:
            time.sleep(pace.wait())
        for _ in range(step):
            log = maker.make()
            producer.produce(names.LOGS_TOPIC, log.value, log.key)
        pace.sent(step)
        producer.poll(0)
        sent += step
    if producer.flush(60):
        raise RuntimeError("Kafka does not accept the logs: see its log")
    return sent, time.monotonic() - begin


def watch_verdicts(settings: Settings, begin: Mapping[int, int], ready: Ready, stop: Stop) -> dict[int, np.ndarray]:
    """Per partition, a row (sent, seen) for each verdict from these offsets on, in order; until `stop`."""
    # In compact buffers: an hour has twenty million verdicts.
    sent = {number: bytearray() for number in begin}
    seen = {number: array("q") for number in begin}
    with closing(Consumer(kafka.native(settings) | {"group.id": "bench", "fetch.wait.max.ms": 100})) as consumer:
        consumer.assign([TopicPartition(names.STATUS_TOPIC, number, offset) for number, offset in begin.items()])
        consumer.poll(1)  # connects; there are no messages yet
        ready()
        while True:
            message = consumer.poll(0.1)
            if message is None:
                if stop():
                    break
                continue
            now, value, partition = time.time_ns() // 1000, message.value() or b"", message.partition() or 0
            at = value.rfind(_RECEIVED) + len(_RECEIVED)
            sent[partition] += value[at : at + _TEXT]
            seen[partition].append(now)
    return {
        number: np.column_stack([_microseconds(sent[number]), np.frombuffer(seen[number], np.int64)])
        for number in begin
    }


def watch_rows(settings: Settings, ready: Ready, stop: Stop) -> dict[int, np.ndarray]:
    """Per partition, a row (last log's offset, seen) each time that more rows became visible to this connection."""
    found: dict[int, list[tuple[int, int]]] = {}
    with closing(Database.of(settings).connect()) as connection, closing(connection.cursor()) as cursor:
        connection.autocommit = True
        ready()
        ended = False
        while not ended:
            ended = stop()  # read once more: the last rows may have appeared since the last read
            cursor.execute(_LOADED)
            rows: Any = cursor.fetchall()
            now = time.time_ns() // 1000
            for partition, offset in rows:
                steps = found.setdefault(partition, [])
                if not steps or steps[-1][0] != offset:
                    steps.append((offset, now))
            time.sleep(LOOK_SECONDS)
    return {number: np.array(steps, np.int64).reshape(-1, 2) for number, steps in found.items()}


def _microseconds(times: bytearray) -> np.ndarray:
    """Parses concatenated texts of `received_at`, without their Z."""
    stamps = np.frombuffer(times, f"S{_TEXT}")
    parts = np.array_split(stamps, len(stamps) // _AT_ONCE + 1)
    return np.concatenate([part.astype(f"U{_TEXT}").astype("datetime64[us]").astype(np.int64) for part in parts])
