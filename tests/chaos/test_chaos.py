"""Every kind of process is killed once while known logs flow through a separate stack: no log is lost or doubled.

The logs are those of an example, so this also runs its contract from the first start to the proof. Then it changes. A
DAG on the events of `good_logs` counts them meanwhile.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest

from include.contract import reading
from include.settings import ROOT
from include.stack.airflow.api import AirflowApi
from include.stack.chaos.killer import kinds
from jobs.database import Database
from jobs.driver import contracts
from tests.integration.stack import UP_SECONDS, Stack, until
from tests.integration.test_assets import counts, ranges

CONTRACT = ROOT / "examples" / "nginx" / "contract.toml"
STATE = ROOT / ".state-chaos"
COUNTING = "hourly_counts"
LOGS = 50_000
SECONDS = 3000
LOG: dict[str, Any] = json.loads(CONTRACT.with_name("logs.jsonl").read_text(encoding="utf-8").splitlines()[0])
LONGEST = 'name = "request_uri"\ntype = "text"\nlength = [1, 4096]'
UPSTREAM = '[[field]]\nname = "upstream"\npath = "upstream.address"\ntype = "ip"\n\n[[rule]]'


@pytest.fixture(scope="module")
def counting(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the example DAG, changed as its README says to for the fields of this contract."""
    folder = tmp_path_factory.mktemp("dags")
    for file in (ROOT / "examples" / COUNTING).glob(f"{COUNTING}.*"):
        text = file.read_text(encoding="utf-8")
        for ours, theirs in (("event_timestamp", "requested_at"), ("location_country", "country")):
            assert ours in text or file.suffix == ".sql", f"{ours} is not in {file}"
            text = text.replace(ours, theirs)
        (folder / file.name).write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def chaos(counting: Path) -> Iterator[subprocess.CompletedProcess[str]]:
    """The run, whose stack is kept until the tests end."""
    command = [
        str(ROOT / "logsieve"),
        "chaos",
        "--logs",
        str(LOGS),
        "--seed",
        "20261123",
        "--rate",
        "300",
        "--relentless",
    ]
    variables = {
        "LOGSIEVE_CONTRACT": str(CONTRACT),
        "LOGSIEVE_OWN_DAGS": str(counting),
        "LOGSIEVE_ANNOUNCE_MINUTES": "1",
    }
    streams: dict[str, Any] = {"stdin": subprocess.DEVNULL, "text": True}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen([*command, "--keep", "--json"], env=os.environ | variables, **streams, **pipes) as running:
        try:
            until(lambda: running.poll() is not None or unpaused(), UP_SECONDS, f"{COUNTING} is unpaused")
            said = running.communicate(timeout=SECONDS)
        except BaseException:
            running.kill()
            raise
    done = subprocess.CompletedProcess(command, running.returncode, *said)
    yield done
    command, variables = [command[0], "down"], {"LOGSIEVE_STATE": str(STATE)}
    down = subprocess.run(command, env=os.environ | variables, capture_output=True, **streams)
    assert down.returncode == 0, down.stderr
    if done.returncode == 0:
        shutil.rmtree(STATE)


def unpaused() -> bool:
    """Unpauses the DAG that counts; whether it could: the stack may only just be starting."""
    try:
        api = AirflowApi(running_stack().env)
        if COUNTING not in api.dags():
            return False
        api.unpause(COUNTING)
    except (httpx.HTTPError, OSError, ValueError, KeyError, AssertionError):
        return False
    return True


def running_stack() -> Stack:
    return Stack(STATE, json.loads((STATE / "stack.json").read_text())["ports"])


def test_nothing_is_lost_or_doubled_whatever_is_killed(chaos: subprocess.CompletedProcess[str]) -> None:
    assert chaos.stdout, chaos.stderr
    result = json.loads(chaos.stdout)
    assert result["faults"].keys() == {"server-logs", "server-logs-status", "MySQL", "Elasticsearch"}
    assert {count for hop in result["faults"].values() for count in hop.values()} == {0}, chaos.stdout + chaos.stderr
    assert result["sent"] == LOGS
    assert result["kills"] == dict.fromkeys(kinds("local"), 1)
    assert chaos.returncode == 0, chaos.stderr


@pytest.fixture(scope="module")
def kept(chaos: subprocess.CompletedProcess[str]) -> Stack:
    """The stack of the run, where no other logs arrive any more."""
    return running_stack()


def test_a_dag_on_the_good_logs_counts_each_row_once(kept: Stack) -> None:
    """It was killed too, and what announces the rows; and rows were replaced when drivers loaded them again."""
    progress = "SELECT kafka_partition, last_offset + 1 FROM logs.load_progress"

    def is_counted() -> bool:
        found = {number: counts(kept, number) for number, _ in kept.root_sql(progress)}
        ends = {number: end for number, (end, _, _) in found.items()}
        return ends == dict(kept.root_sql(progress)) and all(counted == rows for _, counted, rows in found.values())

    until(is_counted, 75, "the sum of the counts is the number of rows")
    ((rows,),) = kept.root_sql("SELECT COUNT(*) FROM logs.good_logs")
    ((counted,),) = kept.root_sql("SELECT SUM(logs) FROM logs.hourly_counts")
    assert counted == rows > LOGS / 2
    for number in (0, 1):
        found = ranges(kept, "rows", number)
        assert len(found) > 2, "it was announced and counted during the run, not only after it"
        assert all(one["last_offset"] + 1 == after["first_offset"] for one, after in pairwise(found))


def apply(stack: Stack, file: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return stack.run("contract", "apply", str(file), "--json", *words, seconds=300)


def verdict(stack: Stack, log: dict[str, Any]) -> dict[str, Any]:
    """The verdict on the log, once it is a document; its row says the same."""
    (origin,) = stack.send([json.dumps(log).encode()])
    key = f"{origin[0]}-{origin[1]}"
    until(lambda: stack.hits([key]), 90, f"{key} is indexed")
    document: dict[str, Any] = stack.document(key)
    until(lambda: origin in stack.loaded(), 60, f"{key} is loaded")
    return document | {"key": key}


def test_a_contract_changes_while_the_stream_runs(kept: Stack, tmp_path: Path) -> None:
    file = tmp_path / "contract.toml"
    file.write_text(CONTRACT.read_text(encoding="utf-8"), encoding="utf-8")
    refused = apply(kept, file)
    assert refused.returncode == 1
    assert "chaos_0 would not be kept any more" in " ".join(refused.stderr.split()), "the field that the run has added"
    assert verdict(kept, LOG)["contract_version"] == 2, "nothing was changed"
    assert apply(kept, file, "--accept").returncode == 0
    long = LOG | {"request_uri": "/" + "é" * 4999}
    before, bad = verdict(kept, LOG), verdict(kept, long)
    assert (before["status"], before["contract_version"], "upstream" in before) == ("good", 3, False)
    assert bad["reasons"] == ["too_long_request_uri"]

    text = file.read_text(encoding="utf-8").replace(LONGEST, LONGEST.replace("4096", "5000"))
    text = text.replace("range = [100, 599]", "range = [200, 599]").replace("[[rule]]", UPSTREAM, 1)
    file.write_text(text, encoding="utf-8")
    applied = apply(kept, file)
    assert applied.returncode == 0, applied.stderr
    said = json.loads(applied.stdout)
    assert {(each["kind"], each["name"]) for each in said["differences"]} == {
        ("added", "upstream"), ("wider", "request_uri"), ("narrower", "status_code"),
    }  # fmt: skip
    assert said["replay"]["too_long_request_uri"] >= 1, "the run has sent such logs too"

    full = LOG | {"upstream": {"address": "2001:DB8::1"}}
    good, missing, narrower = (verdict(kept, log) for log in (full, LOG, full | {"status": "100"}))
    assert (good["status"], good["upstream"], good["contract_version"]) == ("good", "2001:db8::1", 4)
    assert missing["reasons"] == ["missing_upstream"]
    assert narrower["reasons"] == ["invalid_status_code"]
    assert kept.document(before["key"]) == {name: value for name, value in before.items() if name != "key"}

    # What was too long is whole now, but by the present contract it lacks another field.
    replayed = json.loads(kept.run("replay", "--reason", "too_long_request_uri", "--json", seconds=300).stdout)
    assert replayed["sent"] >= 1
    until(lambda: kept.document(bad["key"])["reasons"] == ["missing_upstream"], 60, "the correction is indexed")
    proof = kept.run("reconcile", "--json", seconds=300)
    assert proof.returncode == 0, proof.stdout
    story = json.loads(kept.run("why", before["key"], "--json").stdout)
    assert (story["status"], story["differences"]) == ("good", [])
    versions = kept.root_sql("SELECT DISTINCT contract_version FROM logs.good_logs ORDER BY 1")
    assert [version for (version,) in versions] == [1, 2, 3, 4]


def test_a_driver_that_was_submitted_with_another_version_ends(kept: Stack) -> None:
    database = Database.of(kept.settings)
    contracts.check(database, reading.load(kept.settings.contract_in_effect))
    first = reading.load(next((STATE / "contracts").glob("1-*.json")))
    with pytest.raises(contracts.OtherContractError, match=r"is version 1, and version \d+ is in effect.*apply"):
        contracts.check(database, first)
