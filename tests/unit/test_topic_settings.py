"""What is said of topics that are not as they are made."""

from include.names import LOGS_TOPIC, STATUS_TOPIC
from include.topics import configs


def test_nothing_is_said_where_nothing_differs() -> None:
    assert configs.tell({}) == ""


def test_each_difference_is_named_with_the_remedy() -> None:
    found = configs.tell({LOGS_TOPIC: {"compression.type": ("producer", "uncompressed")}})
    assert found.startswith("server-logs has compression.type=producer, not uncompressed. Have somebody who may alter")


def test_a_verdict_with_all_of_raw_fits_into_the_status_topic() -> None:
    assert int(configs.SETTINGS[STATUS_TOPIC]["max.message.bytes"]) > 2 * 256 * 1024, "as classify packs them"
