"""A server refuses what it is asked: logs are judged, `status` names the state and its remedy. Once that is undone, all
is loaded and indexed, by the same driver."""

import contextlib
import json
import threading
import urllib.error
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from typing import Any

import pymysql
import pytest

from include.index.template import connect, ensure_index
from include.names import origin_key
from include.stack.servers.mysql_users import RIGHTS
from include.watch import troubles
from include.watch.troubles import Standing, TroubleError
from tests.integration.stack import EPOCH, Origin, Stack, check, until, wait_until_it_loads
from tests.integration.test_odd_logs import log

STATUS = "server-logs-status"
STREAM = "'logsieve_stream'@'127.0.0.1'"
GRANTS = [f"GRANT {right} ON {what} TO {STREAM}" for right, what in RIGHTS["logsieve_stream"]]


@pytest.fixture(scope="module")
def epoch(stack: Stack) -> int:
    wait_until_it_loads(stack)
    return int(stack.root_sql(EPOCH)[0][0])


@dataclass(frozen=True)
class State:
    """What somebody does to MySQL and undoes, what it says then, a word of the remedy, and who else waits."""

    begin: str
    end: list[str]
    said: str
    remedy: str
    others: tuple[str, ...] = ()


LOCAL_INFILE = State(
    "SET GLOBAL local_infile = OFF", ["SET GLOBAL local_infile = ON"], "not allowed", "local_infile = ON"
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
# A full disk, which needs a file system of its own, looks like this: every write fails, and reads go on. The first
# variable sets the second one, and leaves it.
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


def test_status_names_what_mysql_refuses_until_it_does_not(stack: Stack, epoch: int) -> None:
    since = stack.now()
    with refusing(stack, LOCAL_INFILE) as sent:
        done = stack.run("status", "--json")
        assert done.returncode == 1
        told = json.loads(done.stdout)["troubles"]["load"]
        assert "local_infile" in told["remedy"]
    until(lambda: not troubles.read(stack.settings.troubles), 30, "nothing is told any more")
    assert set(sent) <= stack.loaded(since)
    assert stack.root_sql(EPOCH) == [(epoch,)], "it is the same driver"
    check(stack, since)


@contextmanager
def refusing(stack: Stack, state: State) -> Iterator[list[Origin]]:
    """The state, and the logs that were sent, judged and not loaded in it."""
    since = stack.now()
    with ExitStack() as undo:
        undo.callback(owner_sql, stack, state.end)
        owner_sql(stack, [state.begin])
        sent = stack.send([log(event_id="refused")] * 100)
        keys = {origin_key(*origin).encode() for origin in sent}
        until(lambda: keys <= {found.key for found in stack.messages(STATUS, since[STATUS])}, 30, "they are judged")
        assert state.remedy in standing(stack, "load", state.said).remedy
        yield sent


def test_a_stop_does_not_wait_for_a_table_that_is_locked(stack: Stack, epoch: int) -> None:
    since = stack.now()
    with locked(stack):
        sent = stack.send([log(event_id="locked")] * 100)
        load = standing(stack, "load", "Lock wait timeout")
        assert "SHOW PROCESSLIST" in load.remedy
        assert stack.run("stream", "stop", seconds=30).returncode == 0
    assert stack.run("stream", "start").returncode == 0
    until(lambda: set(sent) <= stack.loaded(since), 90, "the next driver loads them")
    check(stack, since)


def test_the_indexer_does_not_write_through_somebody_s_pipeline(stack: Stack, epoch: int) -> None:
    since = stack.now()
    stack.search("_ingest/pipeline/somebody", {"processors": []}, "PUT")
    try:
        stack.search("server-logs/_settings", {"index.final_pipeline": "somebody"}, "PUT")
        index = standing(stack, "index", 'index.final_pipeline is "somebody"')
        sent = stack.send([log(event_id="piped")] * 100)
        until(lambda: set(sent) <= stack.loaded(since), 30, "MySQL is not held up")
        assert not stack.documents(sent)
    finally:
        # As the remedy says.
        path, _, body = index.remedy.removeprefix("PUT ").partition(" ")
        stack.search(path, json.loads(body), "PUT")
        stack.search("_ingest/pipeline/somebody", method="DELETE")
    until(lambda: len(stack.documents(sent)) == len(sent), 30, "they are indexed")
    check(stack, since)


OTHERS = ["_template/logsieve-old", "_index_template/somebody"]
LEGACY = {"index_patterns": ["*"], "order": 9, "mappings": {"dynamic": "true"}}
ANY = {"index_patterns": ["*"], "template": {"mappings": {"dynamic_templates": [{"a": {"mapping": {"type": "text"}}}]}}}


@pytest.mark.parametrize(
    ("template", "said"),
    [
        (ANY | {"priority": 500}, None),
        # Of the index that is there the same priority is refused to somebody already.
        (ANY | {"priority": 1_000_000, "index_patterns": ["server-logs-else*"]}, "Give that template another priority"),
        (ANY | {"priority": 2_000_000}, "mappings.dynamic_templates is unexpected"),
        (ANY | {"priority": 2_000_000, "data_stream": {}, "template": {}}, "data stream"),
        ({"index_patterns": ["*"], "priority": 2_000_000, "template": {"aliases": {"all": {}}}}, None),
    ],
    ids=["lower", "the same", "higher", "of data streams", "with an alias"],
)
def test_a_template_of_somebody_does_not_make_the_index_another(
    stack: Stack, template: dict[str, Any], said: str | None
) -> None:
    name = "server-logs-elsewhere"
    stack.search(OTHERS[0], LEGACY, "PUT")
    stack.search(OTHERS[1], template, "PUT")
    try:
        with connect(stack.settings) as client:
            if said:
                with pytest.raises(TroubleError, match=said):
                    ensure_index(client, name)
            else:
                ensure_index(client, name)
                assert stack.search(name)[name]["mappings"] == stack.search("server-logs")["server-logs"]["mappings"]
    finally:
        stack.search(f"{name}?ignore_unavailable=true", method="DELETE")
        for path in OTHERS:
            stack.search(path, method="DELETE")
        with contextlib.suppress(urllib.error.HTTPError):
            stack.search(f"_index_template/{name}", method="DELETE")


def owner_sql(stack: Stack, statements: list[str]) -> None:
    """As the one who may give rights, which root from elsewhere may not: through MySQL's socket."""
    socket = str(stack.state / "mysql" / "data" / "mysql.sock")
    password = stack.passwords["mysql_root"]
    connection = pymysql.connect(unix_socket=socket, user="root", password=password, autocommit=True)
    with closing(connection), connection.cursor() as cursor:
        for sql in statements:
            cursor.execute(sql)


def standing(stack: Stack, part: str, said: str) -> Standing:
    """What the part tells, once it says this."""

    def look() -> Standing | None:
        found = troubles.read(stack.settings.troubles).get(part)
        return found if found and said in found.sentence else None

    return until(look, 30, f"{part} says {said}")


@contextmanager
def locked(stack: Stack) -> Iterator[None]:
    """A long read, and behind it an ALTER TABLE, behind which everybody waits."""
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
