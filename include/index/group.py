"""Whether somebody writes the index: the indexer's consumer group, or Logstash's in its place."""

from confluent_kafka import ConsumerGroupState, KafkaException
from confluent_kafka.admin import AdminClient

from include.names import INDEXER_GROUP, STATUS_TOPIC


def trouble(client: AdminClient, seconds: float) -> str | None:
    """None if the group has stable members, or there is no status topic yet; else the problem as a short phrase."""
    try:
        if STATUS_TOPIC not in client.list_topics(timeout=seconds).topics:
            return None
        group = client.describe_consumer_groups([INDEXER_GROUP], request_timeout=seconds)[INDEXER_GROUP].result(seconds)
    except (KafkaException, TimeoutError) as error:
        return f"its consumer group is unknown: {error}"
    return None if group.state == ConsumerGroupState.STABLE else f"its consumer group is {group.state.name.lower()}"
