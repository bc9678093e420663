"""The ids of both topics. A topic that is deleted and recreated has another id, and its offsets restart at 0."""

from typing import Any, Final

from confluent_kafka import TopicCollection
from confluent_kafka.admin import AdminClient

from include.names import LOGS_DATABASE, LOGS_TOPIC, STATUS_TOPIC, TOPIC_IDS_TABLE

_TABLE: Final = f"{LOGS_DATABASE}.{TOPIC_IDS_TABLE}"
_SECONDS: Final = 10


def read(client: AdminClient) -> dict[str, str]:
    """Returns the current ids of both topics. Raises KafkaException if one is missing or Kafka does not answer."""
    topics = [LOGS_TOPIC, STATUS_TOPIC]
    described = client.describe_topics(TopicCollection(topics), request_timeout=_SECONDS)
    return {topic: str(described[topic].result(_SECONDS).topic_id) for topic in topics}


def known(cursor: Any) -> dict[str, str]:
    """Returns the ids of the topics whose offsets MySQL has; empty before the first start. `cursor`: any DB-API one."""
    cursor.execute(f"SELECT topic, id FROM {_TABLE}")
    return dict(cursor.fetchall())


def keep(cursor: Any, ids: dict[str, str], *, instead: bool = False) -> None:
    """Stores the ids of topics that have no known id, or with `instead` replaces the known ones. The caller commits."""
    cursor.executemany(
        f"{'REPLACE' if instead else 'INSERT IGNORE'} INTO {_TABLE} (topic, id, seen_at)"
        " VALUES (%s, %s, UTC_TIMESTAMP(3))",
        list(ids.items()),
    )


def recreated(ids: dict[str, str], known: dict[str, str]) -> list[str]:
    """Returns the topics whose id is not the known one."""
    return [topic for topic, number in ids.items() if known.get(topic, number) != number]
