"""The breaker with MySQL: shares and runs of bad logs, their reasons, the stop mark; and a run that trips it."""

import itertools
import json
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pymysql
import pytest

from include import names
from include.driver.lease import ask_to_stop
from include.source import shipped
from include.watch import bad_logs, health
from tests.integration.stack import Stack, last_run, until

PARTITION = itertools.count(1000, 2)
"""The first of two partitions of each test."""
STOP_ASKED = "SELECT name FROM logs.driver_lease WHERE stop_asked_at IS NOT NULL"
NOON = "2020-02-29 12:00:00"
"""The current time of the session: the running stream has no rows in these minutes."""


class Window:
    """One partition of the three tables, and a reader whose clock is at NOON."""

    def __init__(self, stack: Stack, cursor: Any) -> None:
        self.stack, self.cursor, self.partition = stack, cursor, next(PARTITION)

    def fill(self, statuses: str, first: int = 0, at: str = NOON, reasons: Any = ("not_json",)) -> None:
        """Inserts a log for each letter (good, bad, suspicious; `-` is a gap), at consecutive offsets."""
        for status in names.STATUSES:
            offsets = [first + i for i, letter in enumerate(statuses) if letter == status[0]]
            self.insert(status, ((offset, list(reasons), b"raw %d" % offset) for offset in offsets), at)

    def insert(self, status: str, rows: Iterable[tuple[int, list[str], bytes | None]], at: str = NOON) -> None:
        known = [] if status == names.BAD else ["e", 684, "login", "iOS", "GB", "2020-02-29"]
        columns = [*(shipped.FIELDS if known else ()), "status, reasons, received_at, users_version, revision"]
        columns += ["kafka_partition, kafka_offset", *([] if known else ["raw"])]
        sql = f"INSERT INTO logs.{names.TABLES[status]} ({', '.join(columns)}) VALUES "
        values = [
            (*known, status, json.dumps(reasons), at, 1, 0, self.partition, offset, *([raw] if not known else []))
            for offset, reasons, raw in rows
        ]
        if values:
            marks = "(" + ", ".join(["%s"] * len(values[0])) + ")"
            self.stack.root_sql(sql + ", ".join([marks] * len(values)), [part for row in values for part in row])

    def run(self, length: int, minutes: int = 10) -> tuple[int, int] | None:
        found = bad_logs.run_of_bad(self.cursor, minutes, length)
        assert found is None or found.partition == self.partition
        return (found.first, found.last) if found else None


@pytest.fixture
def window(stack: Stack) -> Iterator[Window]:
    connection = pymysql.connect(
        host="127.0.0.1",
        port=stack.ports["mysql"],
        user="logsieve_reader",
        password=stack.passwords["mysql_reader"],
        autocommit=True,
        init_command=f"SET time_zone = '+00:00', timestamp = UNIX_TIMESTAMP('{NOON}')",
    )
    with closing(connection), connection.cursor() as cursor:
        made = Window(stack, cursor)
        first = made.partition
        yield made
    for table in names.TABLES.values():
        stack.root_sql(f"DELETE FROM logs.{table} WHERE kafka_partition IN (%s, %s)", (first, first + 1))


def test_only_the_last_minutes_are_counted(window: Window) -> None:
    window.fill("gggbbs")
    window.fill("bb", first=10, at="2020-02-29 11:50:00.500")
    window.fill("bgs", first=20, at="2020-02-29 11:49:59")
    window.fill("b", first=30, at="2035-01-01")
    assert bad_logs.counts(window.cursor, 10) == {"good": 3, "bad": 4, "suspicious": 1}
    assert bad_logs.counts(window.cursor, 11) == {"good": 4, "bad": 5, "suspicious": 2}


@pytest.mark.parametrize(
    ("statuses", "run"),
    [
        ("", None),
        ("bbbb", None),
        ("bbbbb", (0, 4)),
        ("ggbbbbbgg", (2, 6)),
        ("bbgbbb", None),
        ("bbsbbb", None),
        ("bbgbbbbbb", (3, 7)),
        ("b-b-b-b-b", (0, 8)),
        ("bb-g-bbb", None),
        ("b" * 5 + "g" * 500 + "b", (0, 4)),
    ],
)
def test_a_run_is_found_wherever_it_is_and_however_it_ended(
    window: Window, statuses: str, run: tuple[int, int] | None
) -> None:
    window.fill(statuses, first=7000)
    assert window.run(5) == (run and (run[0] + 7000, run[1] + 7000))


def test_a_slow_run_may_begin_before_the_window_but_must_end_in_it(window: Window) -> None:
    window.fill("gbbbb", at="2020-02-29 08:00:00")
    assert window.run(4) is None
    window.fill("b", first=5)
    assert window.run(5) == (1, 5)
    assert window.run(6) is None
    window.fill("gb", first=6)
    assert window.run(5) == (1, 5)


def test_a_run_before_the_window_does_not_count(window: Window) -> None:
    window.fill("bbbbb", at="2020-02-29 11:00:00")
    window.fill("gb", first=5)
    assert window.run(5) is None


def test_a_run_is_within_one_partition(window: Window) -> None:
    window.fill("bbb")
    assert window.run(3) == (0, 2)
    window.partition += 1
    window.fill("bbb", first=3)
    assert bad_logs.run_of_bad(window.cursor, 10, 4) is None


def test_the_top_reasons_come_with_their_newest_example(window: Window) -> None:
    raw = b'{"device": "\x00\xff' + b"x" * 5000
    window.insert("bad", [(offset, ["null_device"], b"old") for offset in range(30)], at="2020-02-29 11:55:00")
    window.insert("bad", [(40, ["null_device", "empty_event_id"], raw)])
    window.insert("bad", [(offset, ["not_json"], None) for offset in range(50, 55)], at="2020-02-29 11:56:00")
    window.insert("bad", [(60, ["missing_device"], b"")], at="2020-02-29 11:57:00")
    window.insert("bad", [(70, ["too_long_event_id"], b"")], at="2020-02-29 11:00:00")
    found = bad_logs.top_reasons(window.cursor, 10)
    assert [(reason.reason, reason.logs) for reason in found[:2]] == [("null_device", 31), ("not_json", 5)]
    assert len(found) == bad_logs.MOST_REASONS
    assert found[0].origin == f"{window.partition}-40"
    assert found[0].example.startswith(r'{"device": "\x00\xffxxx')
    assert len(found[0].example) == bad_logs.MOST_CHARACTERS
    assert found[1].example == "(no value)"
    of_run = bad_logs.top_reasons(window.cursor, 10, health.Run(window.partition, 50, 70))
    assert {reason.reason: reason.logs for reason in of_run} == {
        "not_json": 5,
        "missing_device": 1,
        "too_long_event_id": 1,
    }


def test_queries_stay_cheap_with_many_rows(window: Window) -> None:
    """Every query uses an index: rows outside the window cost nothing."""
    for first in range(0, 20_000, 2000):
        window.fill("bgggggggss" * 200, first=first, at="2020-02-28 12:00:00")
    window.fill("bgggggggss" * 50 + "bbbbbg" * 50 + "b" * 50, first=20_000)
    before = rows_read(window.cursor)
    assert bad_logs.counts(window.cursor, 10)["bad"] == 350
    assert window.run(50) == (20_800, 20_849)
    assert bad_logs.top_reasons(window.cursor, 10)[0].logs == 350
    assert 850 < rows_read(window.cursor) - before < 7000


def rows_read(cursor: Any) -> int:
    """Rows that the session's statements have read from the storage engine."""
    cursor.execute("SHOW SESSION STATUS LIKE 'Handler_read%'")
    return sum(int(value) for _, value in cursor.fetchall())


def test_airflow_may_ask_the_stream_to_stop(stack: Stack) -> None:
    connection = pymysql.connect(
        host="127.0.0.1",
        port=stack.ports["mysql"],
        user="logsieve_airflow",
        password=stack.passwords["mysql_airflow"],
    )
    with closing(connection), connection.cursor() as cursor:
        ask_to_stop(cursor)
        cursor.execute(STOP_ASKED)
        assert (names.DRIVER,) in cursor.fetchall()
        connection.rollback()


@pytest.fixture
def slack() -> Iterator[tuple[str, list[Any]]]:
    """URL of a server that accepts messages like Slack's webhooks, and the messages so far."""
    taken: list[Any] = []

    class Webhook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            taken.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Webhook) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/services/T0/B0/secret", taken
        server.shutdown()


def trip(stack: Stack, url: str, **conf: Any) -> str:
    """Runs the breaker of watch_logs with a limit that is exceeded at once; returns its output."""
    begin = time.monotonic()
    alone = ("--mark-success-pattern", "(?!breaker$).*")
    done = stack.run(
        *("airflow", "dags", "test", "watch_logs", *alone, "--conf", json.dumps({"breaker_share": 0} | conf)),
        AIRFLOW_CONN_ALERTS_SLACK=json.dumps({"conn_type": "slackwebhook", "password": url}),
    )
    printed = done.stdout + done.stderr
    assert "state=failed" in printed, printed[-4000:]
    assert time.monotonic() - begin < 120
    return printed


def test_a_tripped_breaker_is_red_and_reports_why_to_slack(stack: Stack, slack: tuple[str, list[Any]]) -> None:
    url, taken = slack
    printed = trip(stack, url)
    (message,) = taken
    title, text, *_ = message["text"].splitlines()
    assert title == "watch_logs: breaker failed"
    assert "are bad, more than 0.0%: check whether a sender changed" in text
    assert "Top reasons:" in message["text"]
    assert "stopped" not in message["text"]
    assert stack.root_sql(STOP_ASKED) == [], "it never stops the stream by itself"
    assert "secret" not in printed


def test_with_breaker_stops_the_stream_ends_and_can_be_started_again(
    stack: Stack, slack: tuple[str, list[Any]]
) -> None:
    url, taken = slack
    trip(stack, url, breaker_stops=True)
    assert "The stream was stopped because breaker_stops is set: `./logsieve stream start`" in taken[0]["text"]
    until(lambda: last_run(stack)["state"] == "success", 60, "the stream has exited cleanly")
    assert stack.run("stream", "start").returncode == 0
    until(lambda: stack.root_sql(STOP_ASKED) == [], 90, "a driver runs again")
    before = stack.counts()
    until(lambda: stack.counts() != before, 90, "it loads")
