"""How many partitions the logs have: a driver is built for so many, and one that sees more makes room for the next."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from include import names
from include.clients import kafka
from include.driver.exit_codes import DriverEnd
from include.settings import Settings
from jobs.ends import EndError

_KAFKA_SECONDS: Final = 5
_LOOK_SECONDS: Final = 3

_log = logging.getLogger("logsieve.partitions")


class PartitionsAddedError(EndError):
    """The logs have more partitions than this driver has task slots for: its next try has enough."""

    exit_code = DriverEnd.MORE_PARTITIONS


def of_logs(settings: Settings) -> int:
    """The number as it is, or as it is going to be where Kafka or the topic is not there yet."""
    return _look(_client(settings)) or settings.topic_partitions


@contextmanager
def watched(settings: Settings, known: int, on_more: Callable[[PartitionsAddedError], None]) -> Iterator[None]:
    """Calls `on_more` from a thread, once, as soon as there are more than `known`."""
    ended = threading.Event()
    thread = threading.Thread(target=_watch, args=(settings, known, on_more, ended), name="partitions", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()


def _watch(
    settings: Settings, known: int, on_more: Callable[[PartitionsAddedError], None], ended: threading.Event
) -> None:
    client = _client(settings)
    while not ended.is_set():
        found = _look(client)
        if found > known:
            on_more(
                PartitionsAddedError(
                    f"{names.LOGS_TOPIC} has {found} partitions, this driver is built for {known}:"
                    " it ends, and the next try goes on with all of them"
                )
            )
            return
        ended.wait(_LOOK_SECONDS)


def _client(settings: Settings) -> AdminClient:
    return AdminClient({**kafka.native(settings), "log_level": 0})


def _look(client: AdminClient) -> int:
    """0 where there is no such topic, or no answer: Kafka may be away for a moment, and the queries wait for it too."""
    try:
        topic = client.list_topics(timeout=_KAFKA_SECONDS).topics.get(names.LOGS_TOPIC)
    except KafkaException as error:
        _log.debug("Kafka does not answer: %s", error)
        return 0
    return len(topic.partitions) if topic else 0
