"""The number of partitions of the logs: a driver has task slots for these only, and exits when partitions are added."""

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Final

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from include import names
from include.clients.outside import Outside
from include.driver.exit_codes import DriverEnd
from jobs.driver import watching
from jobs.ends import EndError

_KAFKA_SECONDS: Final = 5
_LOOK_SECONDS: Final = 3

_log = logging.getLogger("logsieve.partitions")


class PartitionsAddedError(EndError):
    """The logs have more partitions than this driver has task slots for; the next try has enough."""

    exit_code = DriverEnd.MORE_PARTITIONS


def of_logs(outside: Outside, configured: int) -> int:
    """The current number of partitions, or the configured one if Kafka or the topic does not exist yet."""
    return _look(outside.admin()) or configured


def watched(
    outside: Outside, known: int, on_more: Callable[[PartitionsAddedError], None]
) -> AbstractContextManager[None]:
    """Calls `on_more` once, from a thread, as soon as there are more than `known` partitions."""
    client = outside.admin()

    def look() -> PartitionsAddedError | None:
        if (found := _look(client)) <= known:
            return None
        return PartitionsAddedError(
            f"{names.LOGS_TOPIC} has {found} partitions, this driver was started for {known}:"
            " it exits, and the next try continues with all of them"
        )

    return watching.watched("partitions", look, _LOOK_SECONDS, on_more)


def _look(client: AdminClient) -> int:
    """The number of partitions; 0 without the topic or an answer: Kafka may be down briefly, the queries wait too."""
    try:
        topic = client.list_topics(timeout=_KAFKA_SECONDS).topics.get(names.LOGS_TOPIC)
    except KafkaException as error:
        _log.debug("Kafka does not answer: %s", error)
        return 0
    return len(topic.partitions) if topic else 0
