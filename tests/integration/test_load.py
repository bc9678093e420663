"""load's transaction with MySQL: all of a partition's batch or nothing, each origin in one table, text unchanged."""

import base64
import itertools
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import datetime
from typing import Any

import mysql.connector
import pytest
from confluent_kafka import Message

from include import names
from include.source.shipped import FIELDS, TEXT_FIELDS
from include.topics import marks
from include.watch.troubles import TroubleError
from jobs.driver import holding
from jobs.loading import foreign, transaction
from tests.integration.sink import Sink

PARTITION = itertools.count(900)
TEXTS = [
    'a"b',
    '"',
    '""',
    "a,b",
    "a\nb\r\n",
    "back\\slash\\",
    "\\N",
    "NULL",
    "a\x00b",
    "\x00",
    "😀\u2028",
    " ",
    "\t",
    "'",
]


@pytest.fixture
def sink(stack: Any) -> Iterator[Sink]:
    sink = Sink(stack, next(PARTITION))
    yield sink
    sink.clear()


def test_verdicts_are_appended_to_the_table_of_their_status(sink: Sink) -> None:
    suspicious = sink.message(1, names.SUSPICIOUS, reasons=["unexpected_device"])
    first = sink.batch(sink.message(0), suspicious, sink.message(2, names.BAD, reasons=["null_device"], device=None))
    assert sink.load(first, sink.batch(sink.message(3))) == 4
    assert sink.load(sink.batch(sink.message(4))) == 1
    assert sink.offsets() == {"good": [0, 3, 4], "bad": [2], "suspicious": [1]}
    assert sink.progress() == [(4, 4)]
    columns = "event_id, account_id, event_type, device, location_country, CAST(event_timestamp AS CHAR), status, "
    columns += "CAST(reasons AS CHAR), CAST(received_at AS CHAR), kafka_partition"
    times = ("2021-04-29 19:28:30", "2026-11-23 01:02:03.456")
    expected = ("e1", 684, "other", "ANDROID", "FR", times[0], "suspicious", '["unexpected_device"]', times[1])
    assert sink.rows("suspicious", columns) == [(*expected, sink.partition)]
    assert sink.rows("bad", "device, raw, raw_size") == [(None, None, None)]


def test_each_log_is_counted_once(sink: Sink) -> None:
    bad = sink.message(1, names.BAD, reasons=["null_device", "empty_event_id"], device=None)
    sink.load(sink.batch(sink.message(0), bad, sink.message(2)), sink.batch(b"foreign", sink.message(3)))
    # Read again after a failure, with another status: the first stays counted.
    sink.load(sink.batch(sink.message(2, names.SUSPICIOUS, reasons=["unexpected_device"]), sink.message(4)))
    found = sink.totals()
    assert found.statuses == {"good": 4, "bad": 1}
    assert found.reasons == {"null_device": 1, "empty_event_id": 1}
    assert (found.replaced, found.foreign, found.bad_run) == (1, 1, 0)
    assert sum(found.row_delays.buckets) == sum(found.status_delays.buckets) == 5


def test_what_is_rolled_back_is_not_counted(sink: Sink) -> None:
    sink.load(sink.batch(sink.message(0)))
    holding.take(sink.database, sink.lease.name, "another", take_over=True)
    with pytest.raises(holding.LeaseLostError):
        sink.load(sink.batch(sink.message(1)))
    assert sink.totals().statuses == {"good": 1}


@pytest.mark.parametrize("text", TEXTS, ids=ascii)
def test_text_survives_exactly(sink: Sink, text: str) -> None:
    fields = dict.fromkeys(TEXT_FIELDS, text)
    raw = text.encode() + bytes(range(256))
    encoded = {"raw": base64.b64encode(raw).decode(), "raw_size": len(raw)}
    sink.load(sink.batch(sink.message(0, **fields), sink.message(1, names.BAD, **fields, **encoded), sink.message(2)))
    assert sink.rows("good", ", ".join(TEXT_FIELDS))[0] == (text,) * 4
    assert sink.rows("bad", ", ".join([*TEXT_FIELDS, "raw", "raw_size"])) == [((text,) * 4 + (raw, len(raw)))]


def test_nulls_are_null_and_an_empty_raw_is_not(sink: Sink) -> None:
    nothing = dict.fromkeys(FIELDS)
    empty, tombstone = sink.message(0, names.BAD, **nothing, raw="", raw_size=0), sink.message(1, names.BAD, **nothing)
    sink.load(sink.batch(empty, tombstone))
    columns = ", ".join([*FIELDS, "raw", "raw_size"])
    assert sink.rows("bad", columns) == [((None,) * 6 + (b"", 0)), ((None,) * 8)]


def test_extremes_fit(sink: Sink) -> None:
    low = sink.message(0, account_id=-(2**31), event_timestamp="1970-01-01T00:00:00Z", event_id="😀" * 64)
    high = sink.message(2**62, account_id=2**31 - 1, event_timestamp="9999-12-31T23:59:59Z")
    raw = b"\xff" * names.MAX_RAW
    huge = sink.message(7, names.BAD, raw=base64.b64encode(raw).decode(), raw_size=2**31 - 1)
    sink.load(sink.batch(low, huge, high))
    columns = "account_id, CAST(event_timestamp AS CHAR)"
    assert sink.rows("good", columns) == [(-(2**31), "1970-01-01 00:00:00"), (2**31 - 1, "9999-12-31 23:59:59")]
    assert sink.rows("bad", "raw, raw_size") == [(raw, 2**31 - 1)]


def test_replay_with_another_status_ends_in_one_table(sink: Sink) -> None:
    sink.load(sink.batch(*(sink.message(offset) for offset in range(6))))
    changed = sink.message(1, names.SUSPICIOUS), sink.message(4, names.BAD), sink.message(5), sink.message(6)
    sink.load(sink.batch(*changed))
    assert sink.offsets() == {"good": [0, 2, 3, 5, 6], "bad": [4], "suspicious": [1]}
    assert sink.progress() == [(6, 9)]


def test_replaced_rows_are_noted_with_the_transaction_that_replaced_them(sink: Sink) -> None:
    sink.load(sink.batch(*(sink.message(offset) for offset in range(6))))
    assert sink.corrected() == [], "first rows are no corrections"
    later = sink.message(4, names.BAD, received_at="2026-11-23T01:02:04.000Z")
    sink.load(sink.batch(later, sink.message(1, names.SUSPICIOUS), sink.message(6)))
    times = (datetime(2026, 11, 23, 1, 2, 3, 456000), datetime(2026, 11, 23, 1, 2, 4))
    assert sink.corrected() == [(7, 1, 4, 2, names.BY_STREAM, *times)]


def test_the_causes_in_a_transaction_are_noted_apart(sink: Sink) -> None:
    sink.load(sink.batch(*(sink.message(offset) for offset in range(9))))
    lines = [json.dumps(sink.message(offset, names.BAD)).encode() for offset in (1, 4, 5, 2, 1, 3)]
    runs = [b"replay-20261201T000000Z-0a", *[b"rejudgement-20261201T000000Z-0b"] * 2, b"20261130T000000Z-0c"]
    headers = [*[[(names.REJUDGED, run)] for run in runs], [marks.STREAM], [(names.REJUDGED, None)]]
    given = [
        Message(value=line, offset=offset, headers=header)
        for offset, (line, header) in enumerate(zip(lines, headers, strict=True), 9)
    ]
    sink.load(foreign.batch(sink.partition, given, 15))
    # The last verdict on log 1 is the stream's.
    assert [row[:-2] for row in sink.corrected()] == [
        (11, 4, 5, 2, names.REJUDGEMENT),
        (13, 1, 1, 1, names.BY_STREAM),
        (14, 2, 3, 2, None),
    ]


def test_repeated_status_offsets_change_nothing(sink: Sink) -> None:
    batch = sink.batch(sink.message(0), sink.message(1, names.BAD), sink.message(2, names.SUSPICIOUS))
    for _ in range(3):
        assert sink.load(batch) == 3
    assert sink.offsets() == {"good": [0], "bad": [1], "suspicious": [2]}
    assert sink.progress() == [(2, 2)]


def test_the_last_verdict_of_a_repeated_origin_wins(sink: Sink) -> None:
    within = sink.batch(sink.message(0), sink.message(1), sink.message(0, names.BAD), sink.message(1, device="iOS"))
    across = sink.batch(sink.message(1, names.SUSPICIOUS), sink.message(2))
    sink.load(within, across)
    assert sink.offsets() == {"good": [2], "bad": [0], "suspicious": [1]}


def test_a_replay_of_an_old_range_keeps_newer_rows(sink: Sink) -> None:
    sink.load(sink.batch(*(sink.message(offset) for offset in range(0, 3000, 2))))
    sink.load(sink.batch(*(sink.message(offset, names.BAD) for offset in range(0, 2000, 2))))
    assert sink.offsets() == {"good": [*range(2000, 3000, 2)], "bad": [*range(0, 2000, 2)], "suspicious": []}
    assert sink.progress() == [(2998, 2499)]


def test_a_correction_of_an_expired_log_restores_nothing(sink: Sink) -> None:
    sink.load(sink.batch(*(sink.message(offset) for offset in range(6))))
    expired = "INSERT INTO logs.expired (kafka_partition, before_offset, expired_at) VALUES (%s, 3, UTC_TIMESTAMP(3))"
    sink.stack.root_sql(expired, (sink.partition,))
    for table in names.TABLES.values():
        where = "kafka_partition = %s AND kafka_offset < 3"
        sink.stack.root_sql(f"DELETE FROM logs.{table} WHERE {where}", (sink.partition,))
    sink.load(sink.batch(sink.message(1, names.BAD), sink.message(4, names.BAD), sink.message(6)))
    assert sink.offsets() == {"good": [3, 5, 6], "bad": [4], "suspicious": []}
    assert sink.load(sink.batch(sink.message(0), sink.message(2, names.BAD))) == 0
    assert sink.offsets() == {"good": [3, 5, 6], "bad": [4], "suspicious": []}
    assert sink.progress() == [(6, 10)], "they count as processed anyway"


def test_failure_halfway_leaves_nothing(sink: Sink) -> None:
    sink.load(sink.batch(sink.message(0)))
    replayed = sink.message(1), sink.message(0, names.BAD)
    sink.stack.root_sql(
        "INSERT INTO logs.suspicious_logs SELECT event_id, account_id, event_type, device, location_country,"
        " event_timestamp, 'suspicious', reasons, received_at, kafka_partition, 4, users_version, revision"
        " FROM logs.good_logs WHERE kafka_partition = %s",
        (sink.partition,),
    )
    before = sink.offsets(), sink.progress()
    with pytest.raises(transaction.LoadRefusedError, match="suspicious_logs"):
        sink.load(sink.batch(*replayed, sink.message(3), sink.message(4, names.SUSPICIOUS)))
    assert (sink.offsets(), sink.progress()) == before
    assert sink.corrected() == []


def test_a_message_that_is_not_a_verdict_is_set_aside_and_the_others_are_loaded(sink: Sink) -> None:
    """Even a copy of a verdict changes nothing without a mark."""
    sink.load(sink.batch(sink.message(0), sink.message(1)))
    copy = json.dumps(sink.message(0, names.BAD, raw=None, raw_size=None)).encode()
    unmarked = [Message(key=b"k" * 200, value=value, offset=2 + n) for n, value in enumerate([copy, b"\xff\n", None])]
    assert sink.load(foreign.batch(sink.partition, unmarked, 5)) == 0
    sink.status_offset = 5
    sink.load(sink.batch(sink.message(2), b"garbage", sink.message(3), b""))
    assert sink.offsets() == {"good": [0, 1, 2, 3], "bad": [], "suspicious": []}
    assert sink.progress() == [(3, 8)]
    columns = "status_offset, reason, LENGTH(message_key), head, size"
    query = f"SELECT {columns} FROM logs.foreign_messages WHERE kafka_partition = %s ORDER BY status_offset"
    first, *others = sink.stack.root_sql(query, (sink.partition,))
    assert first == (2, foreign.UNMARKED, 100, copy[:1024], len(copy))
    assert [row[0] for row in others] == [3, 4, 6, 8]
    assert [row[3:] for row in others] == [(b"\xff\n", 2), (None, None), (b"garbage", 7), (b"", 0)]
    assert "no JSON object" in others[2][1]


@pytest.mark.parametrize(
    "changes",
    [
        {"location_country": "x" * 65},
        {"event_timestamp": "2021-02-30T00:00:00Z"},
        {"event_timestamp": "tomorrow"},
        {"received_at": "10000-01-01T00:00:00.000Z"},
        {"reasons": ['a"b']},
    ],
    ids=str,
)
def test_values_that_mysql_would_truncate_are_not_a_verdict(sink: Sink, changes: dict[str, Any]) -> None:
    """Even with the mark, which a copy has too: the message is set aside, and the others are loaded."""
    sink.load(sink.batch(sink.message(0), sink.message(1, **changes), sink.message(2)))
    assert sink.offsets() == {"good": [0, 2], "bad": [], "suspicious": []}
    query = "SELECT status_offset FROM logs.foreign_messages WHERE kafka_partition = %s"
    assert sink.stack.root_sql(query, (sink.partition,)) == [(1,)]


def test_verdicts_that_a_changed_table_would_refuse_wait(sink: Sink) -> None:
    sink.stack.root_sql(
        "CREATE TRIGGER logs.refuses BEFORE INSERT ON logs.good_logs FOR EACH ROW"
        " IF NEW.event_id = 'refused' THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'refused'; END IF"
    )
    try:
        with pytest.raises((transaction.LoadRefusedError, mysql.connector.Error), match=r"refused|good_logs"):
            sink.load(sink.batch(sink.message(0), sink.message(1, event_id="refused")))
    finally:
        sink.stack.root_sql("DROP TRIGGER logs.refuses")
    assert sink.offsets() == {"good": [], "bad": [], "suspicious": []}


def test_a_row_beyond_the_progress_is_not_skipped(sink: Sink) -> None:
    sink.load(sink.batch(sink.message(5)))
    sink.stack.root_sql("DELETE FROM logs.load_progress WHERE kafka_partition = %s", (sink.partition,))
    with pytest.raises(transaction.LoadRefusedError, match="took 1 of 2 rows"):
        sink.load(sink.batch(sink.message(4), sink.message(5)))
    assert sink.offsets()["good"] == [5]


def test_a_driver_that_lost_the_lease_writes_nothing(sink: Sink) -> None:
    sink.load(sink.batch(sink.message(0)))
    before = sink.offsets(), sink.progress()
    newer = holding.take(sink.database, sink.lease.name, "another", take_over=True)
    assert newer.epoch == sink.lease.epoch + 1
    with pytest.raises(holding.LeaseLostError, match="nothing was written"):
        sink.load(sink.batch(sink.message(0, names.BAD), sink.message(1)))
    assert (sink.offsets(), sink.progress()) == before
    sink.lease = newer
    sink.load(sink.batch(sink.message(0, names.BAD), sink.message(1)))
    assert sink.offsets() == {"good": [1], "bad": [0], "suspicious": []}


def test_no_driver_can_take_the_lease_between_check_and_commit(sink: Sink) -> None:
    with closing(sink.database.connect()) as writing, closing(sink.database.connect()) as taking:
        sink.lease.check(writing.cursor())
        cursor = taking.cursor()
        cursor.execute("SET innodb_lock_wait_timeout = 1")
        with pytest.raises(Exception, match="Lock wait timeout"):
            cursor.execute("UPDATE logs.driver_lease SET epoch = epoch + 1 WHERE name = %s", (sink.lease.name,))


def test_a_server_that_accepts_only_small_packets_is_reported(sink: Sink) -> None:
    (before,) = sink.stack.root_sql("SELECT @@GLOBAL.max_allowed_packet")[0]
    sink.stack.root_sql("SET GLOBAL max_allowed_packet = 65536")
    try:
        # With a new connection: existing ones keep the value they started with.
        with ThreadPoolExecutor(1) as other, pytest.raises(TroubleError, match="SET GLOBAL max_allowed_packet"):
            other.submit(sink.load, sink.batch(sink.message(0))).result()
    finally:
        sink.stack.root_sql("SET GLOBAL max_allowed_packet = %s", (before,))
    assert sink.offsets() == {"good": [], "bad": [], "suspicious": []}
