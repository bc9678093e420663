"""Whether the topics are still the ones whose offsets the tables hold: a topic made anew counts from 0 again."""

from contextlib import closing
from typing import Any, Final

from confluent_kafka import TopicCollection
from confluent_kafka.admin import AdminClient

from include import names
from include.settings import Settings
from jobs.database import Database
from jobs.ends import EndError

_TABLE: Final = f"{names.LOGS_DATABASE}.{names.TOPIC_IDS_TABLE}"
_SECONDS: Final = 10


class OtherTopicError(EndError):
    """A topic was deleted and made anew: its offsets would be taken for those of other logs."""

    exit_code = 78


def check(database: Database, settings: Settings) -> None:
    """Keeps the id of each topic at the first start, and from then on raises OtherTopicError when one has another."""
    client = AdminClient({"bootstrap.servers": settings.kafka_bootstrap})
    topics = [names.LOGS_TOPIC, names.STATUS_TOPIC]
    described = client.describe_topics(TopicCollection(topics), request_timeout=_SECONDS)
    ids = {topic: str(described[topic].result(_SECONDS).topic_id) for topic in topics}
    with database.session() as connection, closing(connection.cursor()) as cursor:
        cursor.executemany(
            f"INSERT IGNORE INTO {_TABLE} (topic, id, seen_at) VALUES (%s, %s, UTC_TIMESTAMP(3))",  # noqa: S608
            list(ids.items()),
        )
        cursor.execute(f"SELECT topic, id FROM {_TABLE}")  # noqa: S608
        rows: Any = cursor.fetchall()
        connection.commit()
    for topic, known in rows:
        if ids.get(topic, known) != known:
            raise OtherTopicError(
                f"the topic {topic} was made anew (id {ids[topic]}, known is {known}), so its offsets mean other logs"
                f" than those in MySQL. Begin with empty tables: ./logsieve up --fresh. Or keep them: rename the tables"
                f" of {names.LOGS_DATABASE}, delete the index {names.INDEX} and both topics, and trigger bootstrap"
            )
