"""The parts of `load` that need no server: from status messages to rows, replays, CSV."""

import csv
import io
import json
from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql import DataFrame

from include.source import shipped
from jobs.judging import classify
from jobs.loading import foreign, layout, verdicts

TEXT = 'a"b,\\N\n\r\t\\\x00NULL😀\u2028'


def message(offset: int = 0, **changes: Any) -> dict[str, Any]:
    return {
        "event_id": "e",
        "account_id": 684,
        "event_type": "other",
        "device": "ANDROID",
        "location_country": "FR",
        "event_timestamp": "2021-04-29T19:28:30Z",
        "status": "good",
        "reasons": [],
        "origin": {"kafka_partition": 1, "kafka_offset": offset},
        "received_at": "2026-11-23T01:02:03.456Z",
        "users_version": 3,
        "revision": 0,
    } | changes


def batch(*values: dict[str, Any] | bytes | None, first_offset: int = 100) -> pa.RecordBatch:
    """Messages as `load` gets them: status partition 1, each value with a newline at its end."""
    lines = [json.dumps(value).encode() if isinstance(value, dict) else value for value in values]
    return pa.record_batch(
        {
            "partition": pa.array([1] * len(lines), pa.int32()),
            "offset": pa.array(range(first_offset, first_offset + len(lines)), pa.int64()),
            "sent_at": pa.array([1_000] * len(lines), pa.int64()),
            "value": pa.array([None if line is None else line + b"\n" for line in lines], pa.binary()),
        }
    )


def test_parse_returns_every_column() -> None:
    bad = message(1, status="bad", reasons=["null_device", "empty_event_id"], device=None, raw="aGk=", raw_size=2)
    rows = verdicts.parse(batch(message(0, device=TEXT), bad))
    assert rows.column_names == [*layout.current().columns, *layout.RAW_COLUMNS]
    assert rows["device"].to_pylist() == [TEXT, None]
    assert rows["kafka_offset"].to_pylist() == [0, 1]
    assert rows["raw_size"].to_pylist() == [None, 2]
    assert rows["reasons"].to_pylist() == [[], ["null_device", "empty_event_id"]]


def test_parse_reads_a_slice_of_a_batch() -> None:
    rows = verdicts.parse(batch(*(message(offset) for offset in range(10))).slice(3, 4))
    assert rows["kafka_offset"].to_pylist() == [3, 4, 5, 6]


@pytest.mark.parametrize(
    "garbage",
    [
        b"",
        None,
        b"no JSON",
        b"{}",
        b"[]",
        b"null",
        json.dumps(message(), indent=1).encode(),
        json.dumps(message()).encode() * 2,
        message(status="fine"),
        message(status=None),
        message(reasons=None),
        message(origin=None),
        message(origin={"kafka_partition": 2, "kafka_offset": 0}),
        message(origin={"kafka_partition": 1}),
        message(received_at=None),
        message(users_version=None),
        message(revision=None),
        message(device=None),
        message(account_id="684"),
        message(account_id=2**31),
        message(extra=1),
    ],
    ids=repr,
)
def test_a_message_that_is_not_a_verdict_is_separated_from_the_others(garbage: Any) -> None:
    given = foreign.Batch(1, 103, batch(message(0), message(1), garbage if garbage is not None else b"", message(3)))
    rows, (strange,) = foreign.parse(given)
    assert rows is not None
    assert offsets(rows) == [0, 1, 3]
    assert (strange.offset, strange.reason[:15]) == (102, "not a verdict: ")
    with pytest.raises(verdicts.NotAVerdictError):
        verdicts.parse(given.marked)


@pytest.mark.parametrize(
    "garbage",
    [
        message(device="x" * 65),
        message(event_timestamp="2021-02-30T00:00:00Z"),
        message(event_timestamp="2021-04-29 19:28:30"),
        message(received_at="yesterday"),
        message(reasons=['a"b']),
        message(status="bad", raw="?", raw_size=1),
        message(origin={"kafka_partition": 1, "kafka_offset": -1}),
    ],
    ids=repr,
)
def test_values_that_no_table_would_store_are_foreign_only_if_checked_strictly(garbage: Any) -> None:
    bad = message(3, status="bad", **dict.fromkeys(shipped.FIELDS), reasons=["null_device"], raw="", raw_size=0)
    given = foreign.Batch(1, 103, batch(message(0), message(1, device="x" * 64), garbage, bad))
    assert foreign.parse(given)[1] == []
    rows, (strange,) = foreign.parse(given, strictly=True)
    assert rows is not None
    assert rows.num_rows == 3
    assert (strange.offset, strange.reason[:15]) == (102, "not a verdict: ")


def test_two_messages_that_make_two_lines_together_are_refused() -> None:
    two = json.dumps(message()).encode()
    with pytest.raises(verdicts.NotAVerdictError, match="one line"):
        verdicts.parse(batch(two + b"\n" + two, b""))


def offsets(rows: pa.Table) -> list[int]:
    return [row["kafka_offset"] for row in rows.to_pylist()]


def test_appended_rows_are_returned_unchanged() -> None:
    rows = verdicts.parse(batch(*(message(offset) for offset in (5, 6, 9))))
    fresh, replayed = verdicts.split(rows, last_offset=4)
    assert fresh is rows
    assert replayed.tolist() == []


def test_replayed_origins_are_replaced_and_the_last_verdict_wins() -> None:
    sent = [message(o, device=d) for o, d in [(3, "a"), (4, "a"), (5, "a"), (6, "a"), (4, "b"), (6, "b"), (7, "b")]]
    fresh, replayed = verdicts.split(verdicts.parse(batch(*sent)), last_offset=4)
    assert offsets(fresh) == [3, 4, 5, 6, 7]
    assert fresh["device"].to_pylist() == ["a", "b", "a", "b", "b"]
    assert replayed.tolist() == [3, 4]


def test_only_the_first_origin_is_a_replay() -> None:
    fresh, replayed = verdicts.split(verdicts.parse(batch(message(4), message(5))), last_offset=4)
    assert offsets(fresh) == [4, 5]
    assert replayed.tolist() == [4]


def test_csv_doubles_quotes_and_writes_null_as_empty() -> None:
    sent = message(7, status="bad", reasons=["null_device"], device=None, event_type=TEXT, raw="", raw_size=0)
    (row,) = csv.reader(io.StringIO(verdicts.to_csv(verdicts.parse(batch(sent))).decode(), newline=""))
    expected = 'e|684|{}||FR|2021-04-29T19:28:30|bad|["null_device"]|2026-11-23T01:02:03.456|1|7|3|0||0'
    assert row == [TEXT if part == "{}" else part for part in expected.split("|")]


def test_csv_writes_reasons_as_json() -> None:
    sent = [message(0), message(1, status="suspicious", reasons=["a"]), message(2, status="bad", reasons=["a", "b"])]
    rows = csv.reader(io.StringIO(verdicts.to_csv(verdicts.parse(batch(*sent))).decode()))
    assert [row[7] for row in rows] == ["[]", '["a"]', '["a","b"]']


def test_load_reads_the_messages_that_classify_sends(judged: Callable[[Sequence[bytes | None]], DataFrame]) -> None:
    log = {"event_id": TEXT, "account_id": "684", "event_type": "o", "device": "ANDROID"}
    log |= {"location_country": "FR", "event_timestamp": "0"}
    logs = [json.dumps(log).encode(), json.dumps(log | {"device": TEXT}).encode(), None, b"", b"\xff", b"{}"]
    sent = [row.value.encode() for row in classify.messages(judged(logs)).collect()]
    rows = verdicts.parse(batch(*sent))
    by_offset = {row["kafka_offset"]: row for row in rows.to_pylist()}
    assert [by_offset[n]["status"] for n in range(6)] == ["good", "suspicious", *["bad"] * 4]
    assert by_offset[0]["event_id"] == by_offset[1]["device"] == TEXT
    assert [by_offset[n]["raw_size"] for n in range(6)] == [None, None, None, 0, 1, 2]
    assert {field: by_offset[2][field] for field in shipped.FIELDS} == dict.fromkeys(shipped.FIELDS)
