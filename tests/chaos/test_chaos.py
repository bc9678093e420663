"""Every kind of process is killed once while known logs flow through a separate stack: no log is lost or doubled.

The logs are those of an example, so this also runs its contract from the first start to the proof. Then it changes.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from include.contract import reading
from include.settings import ROOT
from include.stack.chaos.killer import kinds
from jobs.database import Database
from jobs.driver import contracts
from tests.integration.stack import Stack, until

CONTRACT = ROOT / "examples" / "nginx" / "contract.toml"
STATE = ROOT / ".state-chaos"
LOGS = 50_000
SECONDS = 3000
LOG: dict[str, Any] = json.loads(CONTRACT.with_name("logs.jsonl").read_text(encoding="utf-8").splitlines()[0])
LONGEST = 'name = "request_uri"\ntype = "text"\nlength = [1, 4096]'
UPSTREAM = '[[field]]\nname = "upstream"\npath = "upstream.address"\ntype = "ip"\n\n[[rule]]'


@pytest.fixture(scope="module")
def chaos() -> Iterator[subprocess.CompletedProcess[str]]:
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
    variables = os.environ | {"LOGSIEVE_CONTRACT": str(CONTRACT)}
    streams: dict[str, Any] = {"stdin": subprocess.DEVNULL, "capture_output": True, "text": True}
    done = subprocess.run([*command, "--keep", "--json"], env=variables, timeout=SECONDS, **streams)
    yield done
    down = subprocess.run([command[0], "down"], env=os.environ | {"LOGSIEVE_STATE": str(STATE)}, **streams)
    assert down.returncode == 0, down.stderr
    if done.returncode == 0:
        shutil.rmtree(STATE)


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
    return Stack(STATE, json.loads((STATE / "stack.json").read_text())["ports"])


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
