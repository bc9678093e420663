"""The hand-written contestant of the bench meets the whole contract, so that the comparison is fair."""

import base64
import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bench.hand_written_rules import Judge
from include import names
from include.settings import ROOT
from include.source import shipped
from include.source.accounts import Accounts
from include.source.log_maker import REASONS, LogMaker
from tests.unit.users.shapes import devices_of

CASES: dict[str, dict[str, Any]] = {
    f"{file.stem}: {case['name']}": case
    for file in sorted((ROOT / "tests" / "spark" / "cases").glob("*.jsonl"))
    for case in map(json.loads, file.read_text().splitlines())
}
USERS = {684: [(0, None, "ANDROID")]}
RECEIVED_MS = 1_700_000_000_123
SECOND_FAILS = """
import time
from bench.hand_written import together

def work(partition):
    if partition == 1:
        raise RuntimeError("partition 1 fails")
    time.sleep(600)

if __name__ == "__main__":
    together(work, range(3))
"""


def log_of(case: dict[str, Any]) -> bytes | None:
    if "log_base64" in case:
        return base64.b64decode(case["log_base64"])
    return None if case["log"] is None else case["log"].encode()


@pytest.mark.parametrize("name", CASES)
def test_case(name: str) -> None:
    case = CASES[name]
    judged = Judge(1, USERS, 3).judge([(log_of(case), 7, RECEIVED_MS)])
    ((key, message),) = judged.messages
    found = json.loads(message)
    assert (found["status"], found["reasons"]) == (case["status"], case["reasons"])
    assert {field: found[field] for field in shipped.FIELDS} == case.get("record", dict.fromkeys(shipped.FIELDS))
    assert (key, found["origin"]) == ("1-7", {"kafka_partition": 1, "kafka_offset": 7})
    assert found["received_at"] == "2023-11-14T22:13:20.123Z"
    assert [status for status, lines in judged.lines.items() if lines] == [case["status"]]


@pytest.mark.parametrize("name", CASES)
def test_the_line_for_mysql_has_the_contents_of_the_message(name: str) -> None:
    case = CASES[name]
    judged = Judge(1, USERS, 3).judge([(log_of(case), 7, RECEIVED_MS)])
    message = json.loads(judged.messages[0][1])
    (line,) = judged.lines[case["status"]]
    (cells,) = csv.reader(io.StringIO(line, newline=""), strict=True)
    fields = [str(message[field]) if message[field] is not None else "NULL" for field in shipped.FIELDS[:-1]]
    time = message["event_timestamp"].removesuffix("Z") if message["event_timestamp"] else "NULL"
    assert cells[:6] == [*fields, time]
    assert json.loads(cells[6]) == message["reasons"]
    assert cells[7:9] == ["2023-11-14T22:13:20.123", "7"]
    if case["status"] == names.BAD:
        raw, size = cells[9:]
        assert (None if raw == "NULL" else base64.b64decode(raw)) == log_of(case)
        assert size == ("NULL" if log_of(case) is None else str(len(log_of(case) or b"")))


def test_generated_logs_get_the_status_they_were_generated_for() -> None:
    now = 1_700_000_000
    accounts = Accounts(7, 100)
    maker = LogMaker(accounts, 1, share_bad=0.3, share_suspicious=0.3, clock=lambda: now)
    users = {account: [(0, None, device)] for account, device in devices_of(accounts, _day(now)).items()}
    made = [maker.make() for _ in range(5000)]
    judged = Judge(0, users, 1).judge((log.value, number, 0) for number, log in enumerate(made))
    found = [json.loads(message) for _, message in judged.messages]
    assert [verdict["status"] for verdict in found] == [log.status for log in made]
    assert [tuple(verdict["reasons"]) for verdict in found] == [REASONS[log.kind] for log in made]


def test_the_device_of_the_day_of_the_event_decides() -> None:
    judge = Judge(0, {684: [(0, 19_000, "ANDROID"), (19_000, None, "IOS")]}, 1)
    log = (
        '{"event_id":"a","account_id":"684","event_type":"b","device":"%s","location_country":"c",'
        '"event_timestamp":"%d"}'
    )

    def status(device: str, day: int) -> str:
        return judge.verdict((log % (device, day * 86_400)).encode())[1]

    assert (status("ANDROID", 18_999), status("ANDROID", 19_000)) == (names.GOOD, names.SUSPICIOUS)
    assert (status("IOS", 18_999), status("IOS", 19_000)) == (names.SUSPICIOUS, names.GOOD)


def _day(seconds: int) -> Any:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(seconds, UTC).date()


def test_all_processes_exit_when_one_fails(tmp_path: Path) -> None:
    """Otherwise the bench waits until its timeout for a contestant that can never finish."""
    script = tmp_path / "second_fails.py"
    script.write_text(SECOND_FAILS)
    done = subprocess.run(
        [sys.executable, str(script)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert "partition 1 fails" in done.stderr
