"""Kafka is down for 60 s while a producer keeps sending: the page shows it, the stream recovers by itself, and nothing
is doubled."""

import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

from kafka import KafkaProducer

from tests.integration.stack import RECOVERY_SECONDS, Stack, prove, until, wait_until_it_loads
from tests.integration.test_odd_logs import log
from tests.integration.test_page_api import shows_broken, shows_ok

AWAY_SECONDS = 60
PAUSE_SECONDS = 0.1


@contextmanager
def sending(stack: Stack) -> Iterator[list[Any]]:
    """A producer that sends ten logs per second, even while Kafka is down; yields the growing list of its futures."""
    sent: list[Any] = []
    ended = threading.Event()
    with closing(KafkaProducer(**stack.kafka)) as producer:

        def send() -> None:
            while not ended.wait(PAUSE_SECONDS):
                sent.append(producer.send("server-logs", log(event_id=f"broker-away-{len(sent)}")))

        thread = threading.Thread(target=send)
        thread.start()
        try:
            yield sent
        finally:
            ended.set()
            thread.join()
            producer.flush(timeout=60)


def test_the_stream_recovers_when_the_broker_is_up_again_after_a_minute(stack: Stack) -> None:
    wait_until_it_loads(stack)
    since = stack.now()
    with sending(stack) as sent:
        until(lambda: sent and sent[-1].is_done, 10, "the producer sends")
        before = len(sent)
        with stack.away("kafka"):
            until_up = time.monotonic() + AWAY_SECONDS
            shows_broken(stack, "server-logs")
            time.sleep(max(until_up - time.monotonic(), 0))
            assert len(sent) > before + AWAY_SECONDS, "it kept sending meanwhile"
        (fresh,) = stack.send([log(event_id="broker-back")])
        until(lambda: fresh in stack.loaded(since), RECOVERY_SECONDS, "a log sent after the recovery is loaded")
    origins = [(record.partition, record.offset) for record in (future.get(timeout=60) for future in sent)]
    prove(stack, since)
    shows_ok(stack, "server-logs")
    assert set(origins) <= stack.loaded(since)
