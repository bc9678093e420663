"""The content of status messages, rows and documents is compared correctly, whatever text they contain."""

import json
from typing import Any
from zlib import crc32

import pytest

from include.proof import contents

RECORD: dict[str, Any] = {
    "event_id": "e",
    "account_id": 684,
    "event_type": "login",
    "device": "iOS",
    "location_country": "GB",
    "event_timestamp": "2021-04-29T19:28:30Z",
    "status": "good",
    "reasons": [],
    "origin": {"kafka_partition": 0, "kafka_offset": 7},
    "received_at": "2021-04-29T19:28:30.456Z",
    "users_version": 1,
    "revision": 0,
}
BAD = RECORD | dict.fromkeys(("event_id", "account_id", "event_timestamp"))
BAD |= {"status": "bad", "reasons": ["null_event_id", "null_account_id"], "raw": "/3g=", "raw_size": 2}


def plain(record: dict[str, Any]) -> bytes:
    """Serializes the record as classify does."""
    return json.dumps(record, separators=(",", ":"), ensure_ascii=False).encode()


@pytest.mark.parametrize("device", ["", " ", 'a"', "\\", '\\"', '","status":"bad', "a\nb\x01", "é😀", "x" * 64])
@pytest.mark.parametrize("record", [RECORD, BAD, BAD | {"raw": None, "raw_size": None}])
def test_a_verdict_with_any_texts_is_read(record: dict[str, Any], device: str) -> None:
    value = plain(record | {"device": device})
    assert contents.read_verdict(b"0-7", value) == (record["status"], 0, 7, crc32(value))
    assert contents.document_text(json.loads(value)) == value


def test_both_escapes_of_a_control_character_are_equal() -> None:
    value = plain(RECORD | {"device": "\x1f"})
    upper = value.replace(b"\\u001f", b"\\u001F")
    assert upper != value
    assert contents.read_verdict(b"0-7", upper) == contents.read_verdict(b"0-7", value) == ("good", 0, 7, crc32(value))


def test_a_differently_formatted_verdict_has_the_same_checksum() -> None:
    shuffled = dict(reversed(RECORD.items())) | {"origin": {"kafka_offset": 7, "kafka_partition": 0}}
    expected = "good", 0, 7, crc32(plain(RECORD))
    assert contents.read_verdict(b"0-7", json.dumps(shuffled, indent=1).encode()) == expected


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (b"0-7", None),
        (None, plain(RECORD)),
        (b"0-8", plain(RECORD)),
        (b"1-7", plain(RECORD)),
        (b"0-7", b""),
        (b"0-7", b"null"),
        (b"0-7", b"[]"),
        (b"0-7", b"\xff"),
        (b"0-7", b"hello"),
        (b"0-7", b"[" * 100_000),
        (b"00-7", plain(RECORD).replace(b'partition":0', b'partition":00')),
        (b"0-7", plain(RECORD | {"event_id": "\x00"}).replace(b"0000", b"")),
        (b"0-7", b'{"hello":1}'),
        (b"0-7", plain(RECORD) + b"x"),
        (b"0-7", plain(RECORD)[:-1]),
        (b"0-7", plain(RECORD | {"status": "fine"})),
        (b"0-7", plain(RECORD | {"more": 1})),
        (b"0-7", plain(RECORD | {"origin": [0, 7]})),
        (b"0-7", plain(RECORD | {"origin": {"kafka_partition": False, "kafka_offset": 7}})),
        (b"0-7", plain({name: value for name, value in RECORD.items() if name != "reasons"})),
        (b"0-7", plain(RECORD | {"received_at": None})),
        (b"0-7", plain({**RECORD, "status": ["good"]})),
    ],
)
def test_a_message_that_is_not_a_verdict_on_its_log_is_none(key: bytes | None, value: bytes | None) -> None:
    assert contents.read_verdict(key, value) is None
    assert contents.verdict_record(key, value) is None


@pytest.mark.parametrize(
    ("edit", "fields"),
    [
        ({}, []),
        ({"device": "iOS "}, ["device"]),
        ({"device": "ios"}, ["device"]),
        ({"account_id": "684"}, ["account_id"]),
        ({"account_id": 684.0}, ["account_id"]),
        ({"revision": False}, ["revision"]),
        ({"raw": None}, ["raw"]),
        ({"reasons": ["null_account_id", "null_event_id"], "event_id": ""}, ["event_id", "reasons"]),
    ],
)
def test_a_difference_of_any_kind_is_named_by_its_field(edit: dict[str, Any], fields: list[str]) -> None:
    record = BAD if "reasons" in edit else RECORD
    assert contents.differing(record, record | edit) == fields
    assert (contents.document_text(record | edit) == plain(record)) == (not fields)


def test_a_record_that_no_verdict_can_have_has_no_text_and_still_differs() -> None:
    for value in (10**30, "\ud800"):
        document = RECORD | {"event_id": value}
        assert contents.document_text(document) == b""
        assert contents.differing(RECORD, document) == ["event_id"]
