"""The ids of both topics: one that is deleted and made anew has another id, and counts its offsets from 0 again."""

from typing import Any, Final

from confluent_kafka import TopicCollection
from confluent_kafka.admin import AdminClient

from include.names import LOGS_DATABASE, LOGS_TOPIC, STATUS_TOPIC, TOPIC_IDS_TABLE

_TABLE: Final = f"{LOGS_DATABASE}.{TOPIC_IDS_TABLE}"
_SECONDS: Final = 10


def read(client: AdminClient) -> dict[str, str]:
    """Both topics' ids as they are. Raises KafkaException when one is not there, or Kafka does not answer."""
    topics = [LOGS_TOPIC, STATUS_TOPIC]
    described = client.describe_topics(TopicCollection(topics), request_timeout=_SECONDS)
    return {topic: str(described[topic].result(_SECONDS).topic_id) for topic in topics}


def known(cursor: Any) -> dict[str, str]:
    """The ids of the topics whose offsets MySQL has, through any DB-API cursor; none before the first start."""
    cursor.execute(f"SELECT topic, id FROM {_TABLE}")  # noqa: S608
    return dict(cursor.fetchall())


def keep(cursor: Any, ids: dict[str, str], *, instead: bool = False) -> None:
    """Keeps ids of topics of which none is known, or `instead` of what is known; the caller commits."""
    cursor.executemany(
        f"{'REPLACE' if instead else 'INSERT IGNORE'} INTO {_TABLE} (topic, id, seen_at)"  # noqa: S608
        " VALUES (%s, %s, UTC_TIMESTAMP(3))",
        list(ids.items()),
    )


def made_anew(ids: dict[str, str], known: dict[str, str]) -> list[str]:
    """The topics that have another id than the known one."""
    return [topic for topic, number in ids.items() if known.get(topic, number) != number]
