"""Every kind of process is killed once while known logs flow through a separate stack: no log is lost or doubled.

The logs are those of an example, so this also runs its contract from the first start to the proof.
"""

import json
import os
import subprocess

from include.settings import ROOT
from include.stack.chaos.killer import kinds

CONTRACT = ROOT / "examples" / "nginx" / "contract.toml"
LOGS = 50_000
SECONDS = 3000


def test_nothing_is_lost_or_doubled_whatever_is_killed() -> None:
    command = [str(ROOT / "logsieve"), "chaos", "--logs", str(LOGS), "--seed", "20261123", "--relentless", "--json"]
    variables = os.environ | {"LOGSIEVE_CONTRACT": str(CONTRACT)}
    done = subprocess.run(
        command, env=variables, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SECONDS
    )
    assert done.stdout, done.stderr
    result = json.loads(done.stdout)
    assert result["faults"].keys() == {"server-logs", "server-logs-status", "MySQL", "Elasticsearch"}
    assert {count for hop in result["faults"].values() for count in hop.values()} == {0}, done.stdout + done.stderr
    assert result["sent"] == LOGS
    assert result["kills"] == dict.fromkeys(kinds("local"), 1)
    assert done.returncode == 0, done.stderr
    assert not (ROOT / ".state-chaos").exists(), "it removes its stack"
