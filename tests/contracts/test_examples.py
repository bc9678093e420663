"""Each folder in examples/ with logs: these get the verdicts beside them, and its generated logs those that they say.

So do the logs of the page "Your own logs in ten minutes".
"""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from include.contract import reading, reasons
from include.settings import ROOT
from include.source import making, population
from include.source.accounts import Accounts
from tests.contracts import rules
from tests.contracts.rules import Rules

EXAMPLES = sorted(path.parent for path in (ROOT / "examples").glob("*/verdicts.txt"))
RECEIVED = 1_795_395_723_456  # 2026-11-23T01:02:03.456Z


def contract_of(example: Path) -> Path:
    own = example / "contract.toml"
    return own if own.exists() else ROOT / "contract.toml"


@pytest.fixture(params=EXAMPLES, ids=lambda path: path.name, scope="module")
def example(request: pytest.FixtureRequest) -> Path:
    return Path(request.param)


@pytest.fixture(scope="module")
def judge(example: Path) -> Iterator[Rules]:
    with rules.of(contract_of(example)) as found:
        yield found


def test_each_log_gets_the_verdict_beside_it(example: Path, judge: Rules) -> None:
    contract = reading.load(contract_of(example))
    users = rules.users_of(contract, (example / "accounts.csv").read_text(encoding="utf-8").splitlines())
    logs = (example / "logs.jsonl").read_bytes().splitlines()
    verdicts = [judge.verdict(log, RECEIVED, users) for log in logs]
    said = [" ".join([each["status"], *each["reasons"]]) for each in verdicts]
    assert said == (example / "verdicts.txt").read_text(encoding="utf-8").splitlines()
    assert {each["status"] for each in verdicts} == {"good", "bad", "suspicious"}
    given = {reason for each in verdicts for reason in each["reasons"]}
    assert given >= {rule.name for rule in contract.rules} | {*reasons.of_suspicious_logs(contract)}


def test_generated_logs_are_what_they_say(example: Path, judge: Rules) -> None:
    contract = reading.load(contract_of(example))
    accounts = Accounts(7, 200, population.of(contract))
    source = making.maker(contract, accounts, 1, share_bad=0.8, share_suspicious=0.15, clock=lambda: RECEIVED / 1000)
    users = accounts.on(datetime.fromtimestamp(RECEIVED / 1000, UTC).date())
    made = [source.make() for _ in range(3000)]
    for log in made:
        found = judge.verdict(log.value, RECEIVED, users) if log.value is not None else {"reasons": ["not_json"]}
        assert found["reasons"] == list(source.reasons[log.kind]), (log, json.dumps(found))
    assert {log.kind for log in made} == set(source.reasons)


def test_the_logs_of_the_page_get_the_verdicts_that_it_says(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "your-own-logs.md").read_text(encoding="utf-8")
    files = dict(re.findall(r"cat > own/(\S+) <<'END'\n(.*?)^END$", page, re.MULTILINE | re.DOTALL))
    file = tmp_path / "contract.toml"
    file.write_text(files["contract.toml"], encoding="utf-8")
    (export,) = re.findall(r"printf '(\S+)' > \.state/accounts", page)
    (broken,) = re.findall(r"^invalid_logged_at, .*$", page, re.MULTILINE)
    users = rules.users_of(reading.load(file), export.removesuffix("\\n").split("\\n"))
    with rules.of(file) as judge:
        logs = files["logs.jsonl"].encode().splitlines()
        before = [judge.verdict(log, RECEIVED, {})["reasons"] for log in logs]
        after = [judge.verdict(log, RECEIVED, users)["reasons"] for log in logs]
    unknown = ["unknown_user_name"]
    assert before == [unknown, unknown, [], unknown, broken.split(", ")]
    assert after == [[], [], [], ["unusual_country"], broken.split(", ")]
