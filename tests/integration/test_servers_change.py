"""A server refuses requests: logs are still judged, and `status` names the cause and its remedy. Once that is undone,
all logs are loaded and indexed, by the same driver."""

import json
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from typing import Any

import pymysql
import pytest

from include.index.template import prepare
from include.names import ODD_INDEX, origin_key
from include.stack.servers.mysql_users import LOCAL_HOSTS, RIGHTS
from include.watch import troubles
from include.watch.troubles import Standing, TroubleError
from tests.integration.stack import EPOCH, Origin, Stack, check, until, wait_until_it_loads
from tests.integration.test_odd_logs import log

STATUS = "server-logs-status"
STREAM = ", ".join(f"'logsieve_stream'@'{host}'" for host in LOCAL_HOSTS)
GRANTS = [f"GRANT {right} ON {what} TO {STREAM}" for right, what in RIGHTS["logsieve_stream"]]


@pytest.fixture(scope="module")
def epoch(stack: Stack) -> int:
    wait_until_it_loads(stack)
    return int(stack.root_sql(EPOCH)[0][0])


@dataclass(frozen=True)
class State:
    """A change to MySQL and how to undo it, part of the error, part of the remedy, and the other parts that wait."""

    begin: str
    end: list[str]
    error: str
    remedy: str
    others: tuple[str, ...] = ()


# Its words differ between versions of MySQL; no other error has this remedy.
LOCAL_INFILE = State(
    "SET GLOBAL local_infile = OFF", ["SET GLOBAL local_infile = ON"], "local_infile = ON", "local_infile = ON"
)
RIGHTS_REVOKED = State(f"REVOKE ALL, GRANT OPTION FROM {STREAM}", GRANTS, "denied", "rights", ("lease", "users"))
RENAMED = State(
    "RENAME TABLE logs.good_logs TO logs.mislaid",
    ["RENAME TABLE logs.mislaid TO logs.good_logs"],
    "doesn't exist",
    "include/sql/logs.sql",
)
TRIGGER = State(
    "CREATE TRIGGER logs.refuse BEFORE INSERT ON logs.good_logs FOR EACH ROW"
    " SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'no more rows'",
    ["DROP TRIGGER logs.refuse"],
    "no more rows",
    "trigger",
)
# This is like a full disk, which would need its own file system: every write fails, and reads still work. The first
# variable also sets the second one, which stays set.
READ_ONLY = State(
    "SET GLOBAL super_read_only = ON",
    ["SET GLOBAL super_read_only = OFF", "SET GLOBAL read_only = OFF"],
    "read-only option",
    "super_read_only = OFF",
    ("lease",),
)


@pytest.mark.parametrize("state", [RIGHTS_REVOKED, RENAMED, TRIGGER, READ_ONLY])
def test_logs_are_judged_and_wait_to_be_loaded(stack: Stack, epoch: int, state: State) -> None:
    since = stack.now()
    with refusing(stack, state) as sent:
        for part in state.others:
            standing(stack, part, "MySQL refuses")
    until(lambda: set(sent) <= stack.loaded(since), 30, "they are loaded")
    assert stack.root_sql(EPOCH) == [(epoch,)], "it is the same driver"


def test_status_reports_what_mysql_refuses_until_it_is_undone(stack: Stack, epoch: int) -> None:
    since = stack.now()
    with refusing(stack, LOCAL_INFILE) as sent:
        done = stack.run("status", "--json")
        assert done.returncode == 1
        trouble = json.loads(done.stdout)["troubles"]["load"]
        assert "local_infile" in trouble["remedy"]
    until(lambda: not troubles.read(stack.settings.troubles), 30, "no trouble is reported anymore")
    assert set(sent) <= stack.loaded(since)
    assert stack.root_sql(EPOCH) == [(epoch,)], "it is the same driver"
    check(stack, since)


@contextmanager
def refusing(stack: Stack, state: State) -> Iterator[list[Origin]]:
    """Changes MySQL; yields the logs that are sent and judged, but not loaded meanwhile."""
    since = stack.now()
    with ExitStack() as undo:
        undo.callback(owner_sql, stack, state.end)
        owner_sql(stack, [state.begin])
        sent = stack.send([log(event_id="refused")] * 100)
        keys = {origin_key(*origin).encode() for origin in sent}
        until(lambda: keys <= {found.key for found in stack.messages(STATUS, since[STATUS])}, 30, "they are judged")
        assert state.remedy in standing(stack, "load", state.error).remedy
        yield sent


def test_a_stop_does_not_wait_for_a_locked_table(stack: Stack, epoch: int) -> None:
    since = stack.now()
    with locked(stack):
        sent = stack.send([log(event_id="locked")] * 100)
        load = standing(stack, "load", "Lock wait timeout")
        assert "SHOW PROCESSLIST" in load.remedy
        assert stack.run("stream", "stop", seconds=30).returncode == 0
    assert stack.run("stream", "start").returncode == 0
    until(lambda: set(sent) <= stack.loaded(since), 90, "the next driver loads them")
    check(stack, since)


def test_the_indexer_does_not_write_through_a_foreign_pipeline(stack: Stack, epoch: int) -> None:
    since = stack.now()
    stack.search("_ingest/pipeline/somebody", {"processors": []}, "PUT")
    try:
        stack.search("server-logs/_settings", {"index.final_pipeline": "somebody"}, "PUT")
        index = standing(stack, "index", 'index.final_pipeline is "somebody"')
        sent = stack.send([log(event_id="piped")] * 100)
        until(lambda: set(sent) <= stack.loaded(since), 30, "loading into MySQL continues")
        assert not stack.documents(sent)
    finally:
        # Follows the remedy.
        path, _, body = index.remedy.removeprefix("PUT ").partition(" ")
        stack.search(path, json.loads(body), "PUT")
        stack.search("_ingest/pipeline/somebody", method="DELETE")
    until(lambda: len(stack.documents(sent)) == len(sent), 30, "they are indexed")
    check(stack, since)


OTHERS = ["_template/logsieve-old", "_index_template/somebody"]
LEGACY = {"index_patterns": ["*"], "order": 9, "mappings": {"dynamic": "true"}}
ANY = {"index_patterns": ["*"], "template": {"mappings": {"dynamic_templates": [{"a": {"mapping": {"type": "text"}}}]}}}


@pytest.mark.parametrize(
    ("template", "error"),
    [
        (ANY | {"priority": 500}, None),
        (ANY | {"priority": 2_000_000}, "mappings.dynamic_templates is unexpected"),
        (ANY | {"priority": 2_000_000, "data_stream": {}, "template": {}}, "data stream"),
        ({"index_patterns": ["*"], "priority": 2_000_000, "template": {"aliases": {"all": {}}}}, None),
    ],
    ids=["lower", "higher", "of data streams", "with an alias"],
)
def test_a_foreign_template_does_not_change_the_index(
    stack: Stack, template: dict[str, Any], error: str | None
) -> None:
    name = "server-logs-2026.01.01"
    stack.search(OTHERS[0], LEGACY, "PUT")
    stack.search(OTHERS[1], template, "PUT")
    try:
        with stack.env.outside.search() as client:
            if error:
                with pytest.raises(TroubleError, match=error):
                    prepare(client, name)
            else:
                prepare(client, name)
                assert stack.search(name)[name]["mappings"] == stack.search(ODD_INDEX)[ODD_INDEX]["mappings"]
    finally:
        stack.search(f"{name}?ignore_unavailable=true", method="DELETE")
        for path in OTHERS:
            stack.search(path, method="DELETE")


def owner_sql(stack: Stack, statements: list[str]) -> None:
    """Runs statements through MySQL's socket: only root at the socket may grant rights."""
    socket = str(stack.state / "mysql" / "data" / "mysql.sock")
    password = stack.passwords["mysql_root"]
    connection = pymysql.connect(unix_socket=socket, user="root", password=password, autocommit=True)
    with closing(connection), connection.cursor() as cursor:
        for sql in statements:
            cursor.execute(sql)


def standing(stack: Stack, part: str, words: str) -> Standing:
    """Waits until the part reports a trouble with these words, or such a remedy; returns it."""

    def look() -> Standing | None:
        found = troubles.read(stack.settings.troubles).get(part)
        return found if found and words in f"{found.sentence} {found.remedy}" else None

    return until(look, 30, f"{part} reports {words}")


@contextmanager
def locked(stack: Stack) -> Iterator[None]:
    """Locks a table: an ALTER TABLE waits for a long read, and all other statements wait for the ALTER TABLE."""
    options: dict[str, Any] = {"host": "127.0.0.1", "port": stack.ports["mysql"], "user": "root"}
    with closing(pymysql.connect(**options, password=stack.passwords["mysql_root"])) as reading:
        with reading.cursor() as cursor:
            cursor.execute("SELECT COUNT(*) FROM logs.good_logs")
        alter = threading.Thread(target=stack.root_sql, args=("ALTER TABLE logs.good_logs COMMENT 'locked'",))
        alter.start()
        waits = "SELECT 1 FROM information_schema.processlist WHERE state LIKE 'Waiting for table metadata lock%'"
        until(lambda: stack.root_sql(waits), 10, "it waits")
        yield
    alter.join()
