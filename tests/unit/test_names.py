"""The index template has the fields that names.py defines; an origin is what Kafka can give."""

import pytest

from include import names
from include.index.template import template
from include.source import shipped

TEMPLATE = template()
PROPERTIES = TEMPLATE["template"]["mappings"]["properties"]


def test_the_index_maps_the_status_message_and_nothing_else():
    assert TEMPLATE["index_patterns"] == [names.DAY_INDICES.replace("????", "*").replace("??", "*"), names.ODD_INDEX]
    assert TEMPLATE["template"]["aliases"] == {names.INDEX: {}}
    assert TEMPLATE["template"]["mappings"]["dynamic"] == "strict"
    others = {"status", "reasons", "received_at", "origin", "users_version", "revision", "raw", "raw_size"}
    assert set(PROPERTIES) == {*shipped.FIELDS, *others}
    assert set(PROPERTIES["origin"]["properties"]) == {"kafka_partition", "kafka_offset"}
    assert all(PROPERTIES[field]["type"] == "keyword" for field in shipped.TEXT_FIELDS)


@pytest.mark.parametrize("origin", [(0, 0), (1, 42), (2**31 - 1, 2**63 - 1)])
def test_an_origin_is_read_from_its_key(origin: tuple[int, int]) -> None:
    assert names.origin_of(names.origin_key(*origin).encode()) == origin


@pytest.mark.parametrize(
    "key", [None, b"", b"1", b"01-1", b"1-2-3", b"-1-1", f"{2**31}-1".encode(), f"1-{2**63}".encode()]
)
def test_a_key_that_kafka_cannot_give_is_no_origin(key: bytes | None) -> None:
    assert names.origin_of(key) is None
