"""Logs are rejudged: the verdict of the same origin changes at every hop, and the stream is not affected."""

import json
import threading
from collections import Counter
from datetime import datetime
from typing import Any

import pytest

from include.driver.rejudgement import Change
from include.names import REPAIR, TABLES, origin_key
from include.settings import Settings
from include.stack.environment import Environment, load
from include.stack.errors import StackError
from include.stack.repair import rejudge
from jobs.database import Database
from jobs.driver import positions
from tests.integration.stack import Stack, is_correction, until
from tests.integration.test_odd_logs import log

Origin = tuple[int, int]
STATUS = "server-logs-status"


@pytest.fixture
def env(stack: Stack) -> Environment:
    found = load(Settings(state=stack.state))
    assert found is not None
    return found


def verdict(stack: Stack, origin: Origin) -> tuple[str, list[str]]:
    """Status and reasons of the origin in at most one table, after the index has the same."""
    rows = [
        (table.removesuffix("_logs"), json.loads(reasons))
        for table in TABLES.values()
        for (reasons,) in stack.root_sql(
            f"SELECT reasons FROM logs.{table} WHERE kafka_partition = %s AND kafka_offset = %s", origin
        )
    ]
    assert len(rows) <= 1, f"{origin} is in two tables"

    def document() -> Any:
        found = [hit["_source"] for hit in stack.hits([origin_key(*origin)])]
        return not rows or [(source["status"], source["reasons"]) for source in found] == rows

    until(document, 20, f"the document of {origin} matches its row")
    return rows[0] if rows else ("nothing", [])


def send(stack: Stack, *values: bytes | None) -> list[Origin]:
    """Sends the logs and waits until each has its row."""
    origins = stack.send(list(values))
    for origin in origins:
        until(lambda at=origin: verdict(stack, at)[0] != "nothing", 60, f"{origin} is in a table")
    return origins


def runs(*origins: Origin) -> dict[int, list[tuple[int, int]]]:
    return {number: [(at, at) for part, at in origins if part == number] for number, _ in origins}


def row(stack: Stack, table: str, origin: Origin) -> tuple[str, datetime]:
    """event_id and received_at of the origin in the table."""
    where = "WHERE kafka_partition = %s AND kafka_offset = %s"
    (found,) = stack.root_sql(f"SELECT event_id, received_at FROM logs.{table} {where}", origin)
    return found  # type: ignore[return-value]


def judged_behind(stack: Stack, begin: dict[int, int]) -> bool:
    """Whether the stream has judged and loaded logs of each partition from these offsets on."""
    loaded = dict(stack.root_sql("SELECT kafka_partition, last_offset FROM logs.load_progress"))
    return all(loaded[number] > offset for number, offset in begin.items())


def corrections(stack: Stack, since: dict[int, int]) -> Counter[str]:
    return Counter(message.key.decode() for message in stack.messages(STATUS, since) if is_correction(message))


@pytest.fixture
def good(stack: Stack) -> bytes:
    """A log that is good by the current users."""
    return log(device=stack.first_device(684))


def test_replay_corrects_verdicts_that_differ_by_the_current_rules(stack: Stack, env: Environment, good: bytes) -> None:
    long = log(device=None, extra="x" * 70_000)
    fixed, stranger, long_one, *_ = origins = send(stack, b"rubbish", b"{", long, None, b"")
    changes = {fixed: good, stranger: log(account_id="-5")}
    # As if earlier rules had refused these.
    for origin, raw in changes.items():
        stack.root_sql(
            "UPDATE logs.bad_logs SET raw = %s, raw_size = %s WHERE kafka_partition = %s AND kafka_offset = %s",
            (raw, len(raw), *origin),
        )
    stack.root_sql(
        "UPDATE logs.bad_logs SET reasons = '[\"not_json\"]' WHERE kafka_partition = %s AND kafka_offset = %s", long_one
    )
    received = {at: row(stack, "bad_logs", at)[-1] for at in origins}
    window = ("--from", f"{min(received.values()):%Y-%m-%d %H:%M:%S}")
    since = stack.ends(STATUS)

    done = stack.run("replay", "--reason", "not_json", *window, "--dry-run", "--json", seconds=180)
    assert done.returncode == 0, done.stderr
    would = [Change(**change) for change in json.loads(done.stdout)["changes"]]
    assert {change for change in would if change.changed} == {
        Change("bad", "good", True, 1),
        Change("bad", "suspicious", True, 1),
        Change("bad", "bad", True, 1),
    }
    assert sum(change.logs for change in would if not change.changed) >= 2
    assert not corrections(stack, since)
    assert row(stack, "bad_logs", fixed)

    done = stack.run("replay", "--reason", "not_json", *window, seconds=180, COLUMNS="60")
    assert done.returncode == 0, done.stderr
    assert "3 verdicts corrected" in done.stdout
    found = [verdict(stack, origin) for origin in origins]
    assert found == [
        ("good", []),
        ("suspicious", ["unknown_account"]),
        ("bad", ["null_device"]),
        ("bad", ["not_json"]),
        ("bad", ["not_json"]),
    ]
    assert row(stack, "good_logs", fixed)[-1] == received[fixed], "it keeps its time of receipt"
    sent = {origin_key(*origin): 1 for origin in (fixed, stranger, long_one)}
    assert corrections(stack, since) == sent

    done = stack.run("replay", "--reason", "not_json", *window, seconds=180)
    assert "0 verdicts corrected" in done.stdout
    assert corrections(stack, since) == sent

    report = rejudge.run(env, origins=runs(fixed, stranger))
    assert report.sent == 2
    assert [verdict(stack, origin)[0] for origin in (fixed, stranger)] == ["bad", "bad"], (
        "judged by the bytes in the topic"
    )


def test_given_origins_get_their_rows_and_documents_again(stack: Stack, env: Environment, good: bytes) -> None:
    lost, wrong = send(stack, good, good)
    before = stack.document(origin_key(*lost))
    stack.root_sql("DELETE FROM logs.good_logs WHERE kafka_partition = %s AND kafka_offset = %s", lost)
    stack.root_sql("UPDATE logs.good_logs SET event_id = 'x' WHERE kafka_partition = %s AND kafka_offset = %s", wrong)
    assert verdict(stack, lost)[0] == "nothing"

    shown: list[str] = []
    report = rejudge.run(env, origins=runs(lost, wrong), on_step=shown.append)
    assert set(report.changes) == {Change(None, "good", True, 1), Change("good", "good", False, 1)}
    assert (report.sent, report.gone, len(shown)) == (2, [], 2)
    assert [row(stack, "good_logs", origin)[0] for origin in (lost, wrong)] == [json.loads(good)["event_id"]] * 2
    assert verdict(stack, lost) == ("good", [])
    now = before | {"revision": 1}
    until(lambda: stack.document(origin_key(*lost)) == now, 10, "a search finds the document of the correction")
    query = "SELECT cause FROM logs.corrected WHERE kafka_partition = %s AND %s BETWEEN first_offset AND last_offset"
    assert (REPAIR,) in stack.root_sql(query, lost)


def test_logs_that_are_not_loaded_yet_are_refused(stack: Stack, env: Environment) -> None:
    since = stack.ends(STATUS)
    with pytest.raises(StackError, match="0-1000000000 is not loaded yet"):
        rejudge.run(env, origins={0: [(0, 1), (10**9, 10**9)]})
    assert not corrections(stack, since)


def test_the_stream_continues_at_its_position_after_corrections(stack: Stack, env: Environment, good: bytes) -> None:
    origins = send(stack, *[good] * 20)
    database, outside = Database.of(stack.settings), stack.env.outside
    since = stack.ends(STATUS)
    assert stack.run("stream", "stop").returncode == 0
    try:
        begin, ends = positions.of_logs(database, outside), stack.ends(STATUS)
        correcting = threading.Thread(target=rejudge.run, args=(env,), kwargs={"origins": runs(*origins)})
        correcting.start()
        until(lambda: sum(stack.ends(STATUS).values()) == sum(ends.values()) + 20, 90, "the corrections are sent")
        assert all(is_correction(message) for message in stack.messages(STATUS, ends))
        assert positions.of_logs(database, outside) == begin
    finally:
        assert stack.run("stream", "start").returncode == 0
    correcting.join(120)
    assert not correcting.is_alive()
    until(lambda: judged_behind(stack, begin), 90, "new logs are judged")
    keys = Counter(message.key.decode() for message in stack.messages(STATUS, since))
    doubled = {key for key, count in keys.items() if count > 1}
    assert doubled <= {origin_key(*origin) for origin in origins}, "no log was judged twice by the stream"


def test_an_unknown_reason_is_named_with_those_that_are_stored(stack: Stack) -> None:
    send(stack, b"rubbish")
    done = stack.run("replay", "--reason", "null_devise", COLUMNS="80")
    assert done.returncode == 1
    assert "null_devise" in done.stderr
    assert "not_json" in done.stderr
