"""What is reported about topics whose settings differ from those that bootstrap sets."""

from include.names import LOGS_TOPIC, STATUS_TOPIC
from include.topics import configs


def test_nothing_is_reported_if_nothing_differs() -> None:
    assert configs.describe({}) == ""


def test_each_difference_is_named_with_the_remedy() -> None:
    found = configs.describe({LOGS_TOPIC: {"compression.type": ("producer", "uncompressed")}})
    assert found.startswith("server-logs has compression.type=producer, not uncompressed. Ask a Kafka administrator")


def test_a_verdict_with_all_of_raw_fits_into_the_status_topic() -> None:
    assert int(configs.SETTINGS[STATUS_TOPIC]["max.message.bytes"]) > 2 * 256 * 1024, "compressed as classify does it"
