"""A backfill of the users while logs of all its days flow: every final verdict matches the exports."""

import csv
import json
import re
import shlex
import subprocess
from bisect import bisect_right
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from include.settings import ROOT
from include.stack.airflow.api import AirflowApi
from tests.integration.stack import Moment, Stack, is_correction, until, wait_until_it_loads
from tests.spark.model import verdict

DAYS = 6
RATE = 300
STATUS = "server-logs-status"
Exports = dict[date, dict[int, str]]


def today() -> date:
    return datetime.now(UTC).date()


def read_exports(folder: Path) -> Exports:
    """All existing exports, by day."""
    found = {}
    for file in folder.glob("ds=*/accounts.csv"):
        with file.open(newline="") as lines:
            devices = {int(row["account_no"]): row["user_device"] for row in csv.DictReader(lines)}
        found[date.fromisoformat(file.parent.name.removeprefix("ds="))] = devices
    return found


class Users:
    """The device of an account on a day, from the exports alone: without periods and MySQL."""

    def __init__(self, exports: Exports) -> None:
        self._exports, self._days = exports, sorted(exports)
        self._first: dict[int, date] = {}
        for day in reversed(self._days):
            self._first |= dict.fromkeys(exports[day], day)

    def on(self, account: int, day: date) -> str | None:
        first = self._first.get(account)
        if first is None:
            return None
        return self._exports[self._days[bisect_right(self._days, max(day, first)) - 1]].get(account)


def expected(value: bytes | None, users: Users) -> tuple[str, list[str]]:
    """Status and reasons of a log, from the second implementation of the contract."""
    record = verdict(value, {})
    if record["status"] == "bad":
        return "bad", record["reasons"]
    device = users.on(record["account_id"], date.fromisoformat(record["event_timestamp"][:10]))
    if device is None:
        return "suspicious", ["unknown_account"]
    return ("good", []) if device == record["device"] else ("suspicious", ["unexpected_device"])


@contextmanager
def sending(stack: Stack) -> Iterator[None]:
    """Sends logs of the last DAYS days at RATE."""
    command = [str(ROOT / "logsieve"), "generate", "--rate", str(RATE), "--late-days", str(DAYS)]
    with subprocess.Popen(
        command,
        env=stack.variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as generator:
        try:
            yield
        finally:
            generator.terminate()
            _, errors = generator.communicate(timeout=90)
        assert generator.returncode == 0, errors


def backfill(stack: Stack, first: date, last: date, *options: str) -> None:
    """Creates a backfill, and waits until each of its runs has succeeded."""
    airflow = AirflowApi(stack.env)

    def is_free() -> bool:
        found = airflow._call("GET", "/backfills", params={"dag_id": "users_dimension"})["backfills"]
        return all(known["completed_at"] for known in found)

    # Airflow runs one at a time, and marks it as completed up to 30 s after its last run.
    until(is_free, 60, "the backfill before is completed")
    days = ("--from-date", str(first), "--to-date", str(last))
    done = stack.run("airflow", "backfill", "create", "--dag-id", "users_dimension", *days, *options)
    assert done.returncode == 0, done.stderr[-3000:]

    def succeeded() -> list[str]:
        ids = [run["dag_run_id"] for run in airflow.runs("users_dimension", 100, "success")]
        return [run_id for run_id in ids if run_id.startswith("backfill")]

    wanted = (last - first).days + 1
    until(lambda: len(succeeded()) >= wanted, 40 * wanted, "the backfill has succeeded")


def wait_until_judged_again(stack: Stack) -> None:
    until(lambda: stack.root_sql("SELECT COUNT(*) FROM dim_users.changes") == [(0,)], 300, "no change is pending")


def check(stack: Stack, exports: Path, since: Moment) -> dict[str, int]:
    """Compares every log since the moment, at every hop, with the exports. Returns the number of logs by status."""
    users = Users(read_exports(exports))
    messages = stack.messages("server-logs", since["server-logs"])
    sent = {(message.partition, message.offset): message.value for message in messages}
    wanted = {origin: expected(value, users) for origin, value in sent.items()}
    until(lambda: sent.keys() <= stack.loaded(since), 120, "every log is loaded")
    rows = {(partition, offset): status for partition, offset, status in stack.rows(since)}
    wrong = [(origin, wanted[origin][0], rows[origin]) for origin in sent if rows[origin] != wanted[origin][0]]
    assert not wrong[:5], f"{len(wrong)} of {len(sent)} logs have another status in MySQL"
    last: dict[bytes, Any] = {}
    for message in stack.messages(STATUS, since[STATUS]):
        last[message.key] = found = json.loads(message.value)
        # A repair sends the verdict again as it was.
        assert is_correction(message) or not found["revision"]
    for (partition, offset), (status, reasons) in wanted.items():
        found = last[f"{partition}-{offset}".encode()]
        assert (found["status"], found["reasons"]) == (status, reasons), found
    documents = {origin: status for origin, (status, _) in wanted.items()}
    until(lambda: stack.documents(list(documents)) == documents, 60, "every document matches the exports")
    done = stack.run("reconcile", "--json")
    assert done.returncode == 0, done.stdout
    return {status: sum(1 for found, _ in wanted.values() if found == status) for status in ("good", "suspicious")}


@pytest.fixture(scope="module")
def exports(stack: Stack) -> Path:
    return Path(stack.env.settings.accounts_exports)


@pytest.fixture(scope="module")
def since(stack: Stack, exports: Path) -> Moment:
    """The moment before logs of DAYS days were sent, whose exports were then backfilled while more arrived."""
    first, last = today() - timedelta(days=DAYS), today() - timedelta(days=1)
    wait_until_it_loads(stack)
    moment = stack.now()
    with sending(stack):
        until(lambda: len(stack.rows(moment)) > 6_000, 90, "late logs are judged by the only loaded day")
        done = stack.run("exports", "--from", str(first), "--to", str(last))
        assert f"{DAYS} exports written" in done.stdout, done.stderr
        backfill(stack, first, last)
        wait_until_judged_again(stack)
    wait_until_judged_again(stack)
    return moment


def test_verdicts_match_the_exports_after_a_backfill_while_logs_flow(
    stack: Stack, exports: Path, since: Moment
) -> None:
    assert check(stack, exports, since)["good"] > 0
    assert stack.root_sql("SELECT COUNT(*) FROM logs.good_logs WHERE revision > 0")[0][0] > 0


def test_a_corrected_export_replaces_its_day(stack: Stack, exports: Path, since: Moment) -> None:
    day = today() - timedelta(days=3)
    file = exports / f"ds={day}" / "accounts.csv"
    header, *lines = file.read_text().splitlines()
    version = stack.root_sql("SELECT version FROM dim_users.users_version")
    file.write_text("\n".join([header, *(f"{line.split(',')[0]},FRIDGE" for line in lines[:500]), *lines[600:]]) + "\n")
    backfill(stack, day, day, "--reprocess-behavior", "completed")
    until(lambda: stack.root_sql("SELECT version FROM dim_users.users_version") > version, 60, "the day has changed")
    wait_until_judged_again(stack)
    check(stack, exports, since)


def test_an_export_that_is_wrong_as_a_whole_is_refused_until_its_day_is_accepted(stack: Stack, exports: Path) -> None:
    day = today() - timedelta(days=DAYS + 1)  # before all logs: none is rejudged
    assert stack.run("exports", "--from", str(day), "--to", str(day)).returncode == 0
    file = exports / f"ds={day}" / "accounts.csv"
    right = file.read_text()
    header, *lines = right.splitlines()
    wrong = "\n".join([header, *(line.lower() for line in lines)]) + "\n"
    ((version,),) = stack.root_sql("SELECT version FROM dim_users.users_version")
    file.write_text(wrong)

    done = stack.run("airflow", "dags", "test", "users_dimension", str(day))
    assert done.returncode != 0
    printed = done.stdout + done.stderr
    assert re.search(r"have another device, for example account \d+: '[A-Z]+' → '[a-z]+'", printed)
    (command,) = set(re.findall(r"\./logsieve (airflow dags trigger users_dimension --conf '.*?')", printed))
    assert stack.root_sql("SELECT version FROM dim_users.users_version") == [(version,)]

    def loads(file: Path, text: str, accept: Callable[[], object]) -> None:
        nonlocal version
        version += 1
        file.write_text(text)
        accept()
        until(lambda: stack.root_sql("SELECT version FROM dim_users.users_version") == [(version,)], 60, "it is loaded")

    api = AirflowApi(stack.env)
    loads(file, wrong, lambda: stack.run(*shlex.split(command)).check_returncode())
    loads(file, right, lambda: api.trigger("users_dimension", {"accept": str(day)}))
    # Within a backfill: of the day before, which has no run yet.
    earlier = day - timedelta(days=1)
    accepts = {"accept": str(earlier)}
    assert stack.run("exports", "--from", str(earlier), "--to", str(earlier)).returncode == 0
    file = exports / f"ds={earlier}" / "accounts.csv"
    loads(file, wrong, lambda: backfill(stack, earlier, earlier, "--dag-run-conf", json.dumps(accepts)))
    loads(file, right, lambda: api.trigger("users_dimension", accepts))
    wait_until_judged_again(stack)


def test_a_broken_export_is_red_and_changes_nothing(stack: Stack, exports: Path) -> None:
    day = today() - timedelta(days=DAYS + 3)
    file = exports / f"ds={day}" / "accounts.csv"
    file.parent.mkdir(parents=True)
    file.write_text("account_no,user_device\n684,IOS\n684,ANDROID\n")
    before = stack.root_sql("SELECT version FROM dim_users.users_version")
    done = stack.run("airflow", "dags", "test", "users_dimension", str(day))
    file.unlink()
    file.parent.rmdir()
    assert done.returncode != 0
    assert "line 3: account 684 is already in line 2" in done.stdout + done.stderr
    assert stack.root_sql("SELECT version FROM dim_users.users_version") == before
    assert stack.root_sql("SELECT COUNT(*) FROM dim_users.changes") == [(0,)]
