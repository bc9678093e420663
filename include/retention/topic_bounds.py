"""Sets the size limits of both topics from disk_bounds.py. Kafka removes the oldest segments beyond them."""

from collections.abc import Mapping
from typing import Final

from confluent_kafka.admin import AdminClient, ConfigResource, ResourceType  # type: ignore[attr-defined]

from include.names import LOGS_TOPIC, STATUS_TOPIC
from include.retention.disk_bounds import Bounds, topic_settings
from include.topics.configs import alter

SECONDS: Final = 10


def wanted(bounds: Bounds, partitions: Mapping[str, int]) -> dict[str, dict[str, str]]:
    """Returns the Kafka settings by topic. `partitions`: number of partitions by topic."""
    sizes = {LOGS_TOPIC: bounds.logs_topic, STATUS_TOPIC: bounds.status_topic}
    return {topic: topic_settings(size, partitions[topic]) for topic, size in sizes.items() if partitions.get(topic)}


def apply(admin: AdminClient, bounds: Bounds) -> dict[str, dict[str, str]]:
    """Sets the settings that differ and leaves all others. Returns what it set, by topic.

    Raises KafkaException, also if the broker refuses the change, and TimeoutError.
    """
    known = admin.list_topics(timeout=SECONDS).topics
    found = {}
    for topic, settings in wanted(bounds, {name: len(each.partitions) for name, each in known.items()}).items():
        (asked,) = admin.describe_configs([ConfigResource(ResourceType.TOPIC, topic)]).values()
        now = asked.result(SECONDS)
        differing = {name: value for name, value in settings.items() if now[name].value != value}
        if differing:
            alter(admin, topic, differing)
            found[topic] = differing
    return found
