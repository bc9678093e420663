"""Nothing is judged unless the compiled rules are current."""

import shutil
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from include.driver import submit
from include.settings import Settings
from include.stack.errors import StackError
from include.stack.fetch import judge_jar, parts
from jobs.judging import judge


@pytest.fixture
def rules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the rules, which the test may change."""
    copy = tmp_path / "java"
    shutil.copytree(submit.RULES, copy)
    for module in (submit, judge_jar):
        monkeypatch.setattr(module, "RULES", copy)
    return copy / "logsieve" / "Rules.java"


def with_compiler(folder: Path) -> Path:
    """A folder of parts with the fetched jars, and without compiled rules."""
    (folder / "jars").symlink_to(parts.fetch_jars(Settings().parts).resolve())
    return folder


def test_a_change_of_the_rules_creates_another_jar(rules: Path, tmp_path: Path) -> None:
    settings = Settings(parts=with_compiler(tmp_path))
    first = judge_jar.ensure(settings)
    rules.write_text(rules.read_text().replace('"not_json"', '"no_json"'))
    second = judge_jar.ensure(settings)
    assert first != second
    assert first.read_bytes() != second.read_bytes()
    assert judge_jar.ensure(settings) == second


@pytest.mark.parametrize(
    ("right", "wrong", "severity", "problem"),
    [
        ('"not_json"', "not_json", "ERROR", "not_json cannot be resolved"),
        ("return new Log(", "int unread = 0; return new Log(", "WARNING", "local variable unread is not used"),
    ],
    ids=["error", "warning"],
)
def test_errors_and_warnings_of_the_compiler_are_reported_with_their_line(
    right: str, wrong: str, severity: str, problem: str, rules: Path, tmp_path: Path
) -> None:
    rules.write_text(rules.read_text().replace(right, wrong, 1))
    with pytest.raises(StackError, match=rf"(?s){severity} in \S*Rules\.java \(at line [0-9]+\).*{problem}"):
        judge_jar.ensure(Settings(parts=with_compiler(tmp_path)))
    assert [path.suffix for path in tmp_path.iterdir() if path.suffix == ".jar"] == []


def test_a_missing_compiler_is_reported_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(StackError, match="not fetched yet"):
        judge_jar.ensure(Settings(parts=tmp_path))


def test_a_session_with_outdated_rules_judges_nothing(spark: SparkSession, rules: Path) -> None:
    rules.write_text(rules.read_text() + "// changed\n")
    with pytest.raises(judge.NotCompiledError, match=r"\./logsieve up"):
        judge.register(spark, Settings())
