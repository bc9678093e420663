"""What happens to status messages when Elasticsearch accepts them, refuses them, is busy or is down."""

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from include.clients.outside import Outside
from include.index import dead_letters
from include.index.bulk import BulkWriter, StoppedError
from include.index.dead_letters import DeadLetters, refused_count
from include.index.messages import CHUNK_BYTES, CHUNK_MESSAGES, Refused, StatusMessage
from include.names import ODD_INDEX
from include.settings import Settings
from tests.unit.staged.elasticsearch import (
    BLOCKED,
    BUSY,
    CLOSED,
    CONFLICT,
    FULL,
    NO_ALIAS,
    REFUSED,
    StagedElasticsearch,
    error,
)


@contextmanager
def staged(
    *acts: Any, stop: threading.Event | None = None, **how: Any
) -> Iterator[tuple[StagedElasticsearch, BulkWriter]]:
    with StagedElasticsearch(*acts, **how) as server:
        client = Outside(Settings(elasticsearch_url=server.url)).search()
        yield server, BulkWriter(client, stop or threading.Event(), first_pause=0.01)
        client.close()


def message(offset: int, key: str | None = None, value: bytes | None = b'{"status":"good"}') -> StatusMessage:
    return StatusMessage(0, offset, (key or f"0-{offset}").encode(), value)


def test_every_message_becomes_the_document_of_its_origin_byte_for_byte():
    value = b'{"status": "good",  "device":"\xc3\xa9"}'
    with staged() as (server, writer):
        assert writer.write([message(5, value=value), message(6)]) == []

    assert server.documents == {"0-5": value, "0-6": b'{"status":"good"}'}


def test_the_last_verdict_of_a_log_wins():
    with staged() as (server, writer):
        writer.write([message(1, "0-9", b'{"n":1}'), message(2, "0-8"), message(3, "0-9", b'{"n":2}')])
        assert server.documents["0-9"] == b'{"n":2}'
        writer.write([message(4, "0-9", b'{"n":3}')])

    assert server.documents["0-9"] == b'{"n":3}'
    assert len(server.documents) == 2


def test_a_replayed_batch_creates_no_duplicates():
    batch = [message(offset) for offset in range(50)]
    with staged() as (server, writer):
        writer.write(batch)
        writer.write(batch)

    assert len(server.documents) == 50


@pytest.mark.parametrize("failure", ["close", 400, 401, 403, 413, 429, 500, 502, 503, 504, 404])
def test_a_request_that_fails_is_sent_again_until_it_is_accepted(failure: Any):
    with staged(failure, failure, failure) as (server, writer):
        assert writer.write([message(1), message(2)]) == []

    assert server.documents.keys() == {"0-1", "0-2"}
    assert len(server.bulks) == 4


@pytest.mark.parametrize(
    "fault", [(429, BUSY), (403, BLOCKED), (503, BUSY), (400, CLOSED), (400, FULL), (400, NO_ALIAS)]
)
def test_only_items_that_failed_because_of_the_server_are_sent_again(fault: Any):
    with staged({"0-2": fault}, {"0-2": fault}) as (server, writer):
        assert writer.write([message(1), message(2), message(3)]) == []

    assert server.bulks == [["0-1", "0-2", "0-3"], ["0-2"], ["0-2"]]
    assert server.documents.keys() == {"0-1", "0-2", "0-3"}


def test_a_refused_document_is_returned_with_its_reason_and_the_others_are_written():
    poison = message(2, value=b"not json")
    with staged({"0-2": (400, REFUSED), "0-3": (429, BUSY)}) as (server, writer):
        refused = writer.write([message(1), poison, message(3)])

    assert refused == [Refused(poison, "document_parsing_exception: failed to parse")]
    assert server.documents.keys() == {"0-1", "0-3"}
    assert server.bulks[1] == ["0-3"], "refused messages are not retried"


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("strict_dynamic_mapping_exception", "[1:2] mapping set to strict, dynamic introduction of [x] within [_doc]"),
        ("mapper_parsing_exception", "failed to parse field [origin.kafka_offset] of type [long]"),
        ("illegal_argument_exception", "Malformed content, found extra data after parsing: START_OBJECT"),
        ("illegal_argument_exception", 'Document contains at least one immense term in field="device"'),
    ],
)
def test_every_error_that_is_about_the_document_refuses_it(kind: str, reason: str):
    with staged({"0-1": (400, {"type": kind, "reason": reason})}) as (server, writer):
        assert writer.write([message(1)]) == [Refused(message(1), f"{kind}: {reason}")]

    assert len(server.bulks) == 1


@pytest.mark.parametrize(
    "odd",
    [
        StatusMessage(0, 7, None, b"{}"),
        message(7, "no origin"),
        message(7, '0-1"}}'),
        message(7, "00-1"),
        message(7, value=None),
        message(7, value=b'{}\n{"delete":{"_id":"0-1"}}'),
    ],
)
def test_messages_that_cannot_be_lines_of_a_bulk_request_are_never_sent(odd: StatusMessage):
    with staged() as (server, writer):
        refused = writer.write([message(1), odd])

    assert [each.message for each in refused] == [odd]
    assert server.documents.keys() == {"0-1"}


def test_a_stop_ends_the_wait_for_a_server_that_is_down():
    stop = threading.Event()
    writer = BulkWriter(Outside(Settings(elasticsearch_url="http://127.0.0.1:1")).search(), stop, first_pause=60)
    threading.Timer(0.1, stop.set).start()

    with pytest.raises(StoppedError):
        writer.write([message(1)])


def test_template_and_index_are_ensured_before_the_first_document_and_after_an_outage():
    with staged({}, "close") as (server, writer):
        writer.write([message(1)])
        assert server.requests[:2] == ["GET /server-logs/_alias", "PUT /_index_template/server-logs"]
        assert server.requests[-1] == "PUT /server-logs-odd/_bulk"
        writer.write([message(2)])

    # A server that lost its data while it was away would guess the mapping otherwise.
    assert server.requests.count("PUT /_index_template/server-logs") == 2


def of_day(offset: int, day: str, key: str | None = None) -> StatusMessage:
    return message(offset, key, b'{"status":"good","received_at":"%bT01:02:03.456Z"}' % day.encode())


def day(days: int) -> tuple[str, str]:
    """A day, so many days from today, and the name of its index."""
    found = datetime.now(UTC).date() + timedelta(days)
    return str(found), f"server-logs-{found:%Y.%m.%d}"


def test_a_document_goes_to_the_index_of_its_day_which_is_created_once():
    (today, here), (before, there), far = day(0), day(-3), "1970-01-01"
    with staged() as (server, writer):
        writer.write([of_day(1, today), of_day(2, before), of_day(3, far), message(4)])
        writer.write([of_day(5, today), of_day(6, before)])

    assert server.places == {
        "0-1": here, "0-2": there, "0-3": ODD_INDEX, "0-4": ODD_INDEX, "0-5": here, "0-6": there,
    }  # fmt: skip
    assert server.requests.count(f"PUT /{here}") == server.requests.count(f"PUT /{there}") == 1
    assert server.requests.count(f"GET /{here}") == 1, "it is not checked for each batch"


def test_a_document_that_left_the_odd_index_is_deleted_there():
    tomorrow, index = day(1)
    with staged() as (server, writer):
        writer.write([of_day(1, tomorrow)])
        assert [action for name, action in server.actions if name == ODD_INDEX] == [], "an empty one costs nothing"
        writer.write([message(2)])
        server.actions.clear()
        writer.write([of_day(7, tomorrow, "0-2")])

    how = {"_id": "0-2", "version": 7, "version_type": "external_gte"}
    assert sorted(server.actions, key=str) == [(index, {"index": how}), (ODD_INDEX, {"delete": how})]


def test_documents_of_another_indexer_in_the_odd_index_are_known_too():
    today, _ = day(0)
    with staged() as (server, writer):
        server.answers["POST /server-logs-odd/_count"] = server.answers["GET /server-logs-odd/_count"] = (
            200,
            {"count": 1},
        )
        writer.write([of_day(1, today)])

    assert (ODD_INDEX, "delete") in [(name, *action) for name, action in server.actions]


def test_a_verdict_that_comes_after_a_later_one_changes_nothing():
    with staged({"0-1": (409, CONFLICT)}) as (server, writer):
        assert writer.write([message(1), message(2)]) == []

    assert server.documents.keys() == {"0-2"}
    assert server.bulks == [["0-1", "0-2"]], "it is not sent again"


def test_an_index_that_has_expired_meanwhile_is_created_again():
    today, index = day(0)
    gone = error(404, "index_not_found_exception", "no such index")[1]["error"]
    with staged({}, {"0-2": (404, gone)}) as (server, writer):
        writer.write([of_day(1, today)])
        server.indices.pop(index)
        writer.write([of_day(2, today)])

    assert server.places["0-2"] == index
    assert server.requests.count(f"PUT /{index}") == 2


def test_requests_stay_small_and_lose_nothing():
    many = [message(offset) for offset in range(2 * CHUNK_MESSAGES + 1)]
    large = [message(offset, value=b"x" * (CHUNK_BYTES // 3)) for offset in range(10_000, 10_007)]
    with staged() as (server, writer):
        writer.write(many)
        assert max(map(len, server.bulks)) <= CHUNK_MESSAGES
        server.bulks.clear()
        writer.write(large)

    assert max(map(len, server.bulks)) <= 3
    assert len(server.documents) == len(many) + len(large)


def test_a_dead_letter_keeps_everything_needed_to_send_it_again(tmp_path: Path):
    settings = Settings(state=tmp_path)
    raw = b"\xff not json"

    DeadLetters(settings.dead_letters).append([Refused(StatusMessage(1, 42, b"1-40", raw), "because")])

    letter = json.loads(settings.dead_letters.read_text(encoding="utf-8"))
    assert letter.pop("refused_at").endswith("+00:00")
    assert base64.b64decode(letter.pop("raw")) == raw
    assert letter == {
        "reason": "because",
        "key": "1-40",
        "origin": {"kafka_partition": 1, "kafka_offset": 40},
        "status_partition": 1,
        "status_offset": 42,
    }


def test_dead_letters_that_a_replay_writes_twice_are_counted_once(tmp_path: Path):
    settings = Settings(state=tmp_path)
    assert refused_count(settings) == 0
    refused = [Refused(StatusMessage(0, offset, None, None), "tombstone") for offset in (1, 2)]

    DeadLetters(settings.dead_letters).append(refused)
    DeadLetters(settings.dead_letters).append(refused)

    assert refused_count(settings) == 2


def test_a_partial_line_left_by_a_crash_does_not_corrupt_the_next_one(tmp_path: Path):
    settings = Settings(state=tmp_path)
    DeadLetters(settings.dead_letters).append([Refused(message(1), "whole")])
    with settings.dead_letters.open("ab") as file:
        file.write(b'{"refused_at":"2026')
    assert refused_count(settings) == 1

    DeadLetters(settings.dead_letters).append([Refused(message(2), "after the crash")])

    assert refused_count(settings) == 2
    assert [json.loads(line)["reason"] for line in settings.dead_letters.open()] == ["whole", "after the crash"]


def refused(at: int, reason: str = "because", key: bytes | None = None, raw: bytes = b"x") -> Refused:
    return Refused(StatusMessage(0, at, key or f"0-{at}".encode(), raw), reason)


def test_only_letters_of_expired_logs_are_removed_while_the_indexer_writes(tmp_path: Path):
    settings = Settings(state=tmp_path)
    letters = DeadLetters(settings.dead_letters)
    letters.append([*map(refused, (1, 2, 3, 3)), refused(9, key=b"no key")])

    assert dead_letters.expire(settings, {0: 3}) == 3, "two have expired, one is a duplicate"
    letters.append([refused(4)])

    assert dead_letters.refused_offsets(settings) == {0: {3, 4}}
    assert refused_count(settings) == 3, "the letter without an origin belongs to no log that could expire"
    assert dead_letters.expire(settings, {}) == 0


def test_the_indexer_starts_a_new_file_if_the_letters_were_moved_away(tmp_path: Path):
    settings = Settings(state=tmp_path)
    letters = DeadLetters(settings.dead_letters)
    letters.append([refused(1), refused(2)])
    settings.dead_letters.rename(tmp_path / "away.jsonl")
    letters.append([refused(3)])
    assert refused_count(settings) == 1


def test_letters_beyond_the_size_limit_lack_raw_and_are_still_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(dead_letters, "MOST_BYTES", 300)
    settings = Settings(state=tmp_path)
    letters = DeadLetters(settings.dead_letters)
    for at in range(5):
        letters.append([refused(at, raw=1000 * b"x")])
    assert refused_count(settings) == 5
    assert settings.dead_letters.stat().st_size < 3000
