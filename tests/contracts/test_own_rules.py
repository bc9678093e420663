"""Rules that are classes in jobs/java/own: what they get, and what becomes of those that do not work."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from include.driver import submit
from include.settings import ROOT, Settings
from include.stack.errors import StackError
from include.stack.fetch import judge_jar
from tests.contracts import rules
from tests.contracts.oracle import FIELDS

RECEIVED = 1_795_395_723_456
LOG = {
    "request": {"id": "7f3a90c1", "user": {"id": 9007199254740993, "name": "J\u00f6rg \U0001f600", "country": "GB"}},
    "client": {"device": True, "remote.address": "2001:DB8::1", "proxy": None},
    "method": "GET",
    "response": {"status": 200, "seconds": 0.5},
    "cached": False,
    "times": {"start": "2026-11-23T02:02:03.456+01:00", "order": "1795395723"},
}
EXPECTED = {
    "request_id": '"7f3a90c1"', "user_id": "9007199254740993L", "user_name": '"J\\u00f6rg \\ud83d\\ude00"',
    "country": '"GB"', "device": '"true"', "address": '"2001:db8::1"', "method": '"GET"', "status_code": "200L",
    "bytes_sent": "null", "duration": "0.5", "ratio": "null", "cached": "false",
    "started_at": 'java.time.Instant.parse("2026-11-23T01:02:03.456Z")', "ended_at": "null",
    "order": "java.time.Instant.ofEpochSecond(1795395723)", "proxy": "null",
}  # fmt: skip
"""What a rule gets for the values of LOG, in Java."""

Write = Callable[[str, str], Path]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Write]:
    """Writes the body of a rule class, and returns a contract that names it."""
    copy = tmp_path / "java"
    shutil.copytree(submit.RULES, copy)
    for module in (submit, judge_jar):
        monkeypatch.setattr(module, "RULES", copy)

    def written(declaration: str, body: str) -> Path:
        (copy / "own" / "Tried.java").write_text(
            f"package own;\n\n{declaration} {{\n    public boolean isBroken(Object[] values) {{\n"
            f"        {body}\n    }}\n}}\n"
        )
        file = tmp_path / "contract.toml"
        rule = f'[[rule]]\nname = "odd"\njava = {{ class = "Tried", fields = {json.dumps([*FIELDS])}, says = "odd" }}\n'
        shipped = (ROOT / "tests" / "contracts" / "contract.toml").read_text(encoding="utf-8")
        file.write_text(shipped.replace("[dimension]", f"{rule}\n[dimension]", 1), encoding="utf-8")
        return file

    yield written
    judge_jar.judge_jar(Settings(contract=tmp_path / "contract.toml")).unlink(missing_ok=True)


RULE = "public final class Tried implements logsieve.OwnRule"


def verdict(file: Path, log: dict[str, Any]) -> list[str]:
    with rules.of(file) as judge:
        return list(judge.verdict(json.dumps(log).encode(), RECEIVED, {})["reasons"])


def test_a_rule_gets_the_values_of_its_fields_by_their_types(write: Write) -> None:
    expected = ", ".join(EXPECTED[name] for name in FIELDS)
    file = write(RULE, f"return !java.util.Arrays.equals(values, new Object[] {{{expected}}});")
    with rules.of(file) as judge:
        as_expected = judge.verdict(json.dumps(LOG).encode(), RECEIVED, {})
        another = judge.verdict(json.dumps(LOG | {"method": "PUT"}).encode(), RECEIVED, {})
        broken = judge.verdict(json.dumps(LOG | {"method": "no"}).encode(), RECEIVED, {})
    assert as_expected["reasons"] == ["unknown_user_id"]
    assert (another["status"], another["reasons"]) == ("bad", ["odd"])
    assert broken["reasons"] == ["not_allowed_method"]  # which is a reason of its own


@pytest.mark.parametrize("body", ["return (Boolean) values[0];", "return isBroken(values);"])
def test_a_log_that_a_rule_cannot_judge_is_bad_for_its_reason(body: str, write: Write) -> None:
    assert verdict(write(RULE, body), LOG) == ["odd"]


@pytest.mark.parametrize(
    ("declaration", "problem"),
    [
        ("public final class Tried", "own.Tried is no public class .* that implements OwnRule"),
        ("final class Tried implements logsieve.OwnRule", "own.Tried is no public class"),
        ("public final class Tried implements logsieve.NoSuch", "logsieve.NoSuch cannot be resolved"),
    ],
)
def test_a_class_that_is_no_rule_is_refused_before_anybody_judges_by_it(
    declaration: str, problem: str, write: Write
) -> None:
    settings = Settings(contract=write(declaration, "return values == null;"))
    with pytest.raises(StackError, match=problem):
        judge_jar.ensure(settings)
    assert not judge_jar.judge_jar(settings).exists()


def test_a_class_that_does_not_exist_is_named_with_its_file(write: Write) -> None:
    file = write(RULE, "return false;")
    (judge_jar.RULES / "own" / "Tried.java").unlink()
    with pytest.raises(StackError, match="The rule odd names the class Tried") as error:
        judge_jar.ensure(Settings(contract=file))
    assert "own/Tried.java" in str(error.value.remedy)
