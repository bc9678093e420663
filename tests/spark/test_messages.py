"""The status message: its keys and their order, raw, times."""

import base64
import json
from datetime import UTC, datetime

import pytest
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from include import names
from include.contract import reasons
from include.source import shipped
from include.topics import marks
from jobs.judging import classify, judge
from tests.spark.conftest import USERS_VERSION, Judge, Judged, Logs

GOOD = (
    b'{"event_id": "141b3ff2a92111ebbfae367ddad5b1fa", "account_id": "684", "event_type": "other", '
    b'"device": "ANDROID", "location_country": "FR", "event_timestamp": "1619724510"}'
)
LAST = "9999-12-31T23:59:59.999Z"
COMMON = [*shipped.FIELDS, "status", "reasons", "origin", "received_at", "users_version", "revision"]


def test_a_message_is_sent_to_the_partition_of_its_log(judged: Judged) -> None:
    sent = classify.messages(judged([GOOD, b""]))
    types = {
        "key": "string",
        "value": "string",
        "partition": "int",
        "headers": "array<struct<key:string,value:binary>>",
    }
    assert dict(sent.dtypes) == types
    assert sorted((row.key, row.partition) for row in sent.collect()) == [("1-0", 1), ("1-1", 1)]
    assert [(header.key, header.value) for row in sent.collect() for header in row.headers] == [marks.STREAM] * 2


def test_the_whole_message_of_a_good_log(judge: Judge) -> None:
    (message,) = judge([GOOD])
    assert list(message) == COMMON
    assert message == {
        "event_id": "141b3ff2a92111ebbfae367ddad5b1fa",
        "account_id": 684,
        "event_type": "other",
        "device": "ANDROID",
        "location_country": "FR",
        "event_timestamp": "2021-04-29T19:28:30Z",
        "status": "good",
        "reasons": [],
        "origin": {"kafka_partition": 1, "kafka_offset": 0},
        "received_at": "2026-11-23T01:02:03.456Z",
        "users_version": USERS_VERSION,
        "revision": 0,
    }


def test_bad_message_has_nulls_and_raw(judge: Judge) -> None:
    (message,) = judge([b"no JSON, and longer than the 57 bytes after which MIME would break the line"])
    assert list(message) == [*COMMON, "raw", "raw_size"]
    assert [message[field] for field in shipped.FIELDS] == [None] * 6
    assert base64.b64decode(message["raw"], validate=True).startswith(b"no JSON")
    assert message["raw_size"] == 75


def test_raw_is_capped_tombstone_and_empty_differ(judge: Judge) -> None:
    huge = b"\xff" * (names.MAX_RAW + 1)
    capped, whole, tombstone, nothing = judge([huge, huge[:-1], None, b""])
    assert (len(base64.b64decode(capped["raw"])), capped["raw_size"]) == (names.MAX_RAW, names.MAX_RAW + 1)
    assert (len(base64.b64decode(whole["raw"])), whole["raw_size"]) == (names.MAX_RAW, names.MAX_RAW)
    assert (tombstone["raw"], tombstone["raw_size"]) == (None, None)
    assert (nothing["raw"], nothing["raw_size"]) == ("", 0)


@pytest.mark.parametrize(
    ("stamp", "written"),
    [
        (datetime(2021, 3, 28, 1, 30, tzinfo=UTC), "2021-03-28T01:30:00.000Z"),
        (datetime(1969, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC), "1970-01-01T00:00:00.000Z"),
    ],
)
def test_received_at_is_utc_and_never_before_1970(judged: Judged, stamp: datetime, written: str) -> None:
    assert [json.loads(row.verdict)["received_at"] for row in judged([GOOD], stamp).collect()] == [written]


def test_received_at_in_a_five_digit_year_is_the_last_time_that_sinks_accept(logs: Logs, known: DataFrame) -> None:
    frame = judge.judge(logs([GOOD]).withColumn("timestamp", F.timestamp_millis(F.lit(10**15))), known)
    assert [json.loads(row.verdict)["received_at"] for row in frame.select("verdict").collect()] == [LAST]


def test_long_and_deep_logs_are_judged(judge: Judge) -> None:
    """Without a stack overflow or a slow pattern; RFC 8259 leaves limits to the parser, ours is in Json.java."""
    too_long, invalid = reasons.too_long("device"), reasons.invalid("device")
    values = {
        b"[" * 998 + b"]" * 998: invalid,
        b'"' + rb"\n\"" * 100_000 + b'"': too_long,
        b"[" + b"1," * 300_000 + b"1]": invalid,
        b"[" + b'"a",' * 200_000 + b'"a"]': invalid,
        b"[" + b",".join(b'{"%d":1}' % number for number in range(80_000)) + b"]": invalid,
        b"1" * 100_000: too_long,
    }
    without_device = GOOD.replace(b'"device": "ANDROID"', b'"device": null')[:-1]
    beside = [without_device + b', "x": ' + value + b"}" for value in values]
    too_much = [without_device + b', "x": ' + value + b"}" for value in (b"[" * 999 + b"]" * 999, b"[" * 100_000)]
    of_device = [GOOD.replace(b'"ANDROID"', value) for value in values]
    found = [message["reasons"] for message in judge([*of_device, *beside, *too_much, b"\\" * 500_000])]
    assert found == [
        *([reason] for reason in values.values()),
        *[[reasons.null("device")]] * len(beside),
        *[[reasons.NOT_JSON]] * (len(too_much) + 1),
    ]
