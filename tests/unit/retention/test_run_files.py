"""Files of old runs are removed. Those of active runs stay and do not grow without limit."""

import os
import time
from pathlib import Path

import pytest

from include.retention import run_files
from include.settings import Settings

DAY = 86_400
STREAM = ("classify_logs", "manual__2026-01-01T00:00:00+00:00")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(state=tmp_path)


def made(path: Path, days_old: float, text: str = "a line\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    then = time.time() - days_old * DAY
    os.utime(path, (then, then))
    return path


def log(settings: Settings, run: tuple[str, str], task: str, attempt: int, days_old: float, text: str = "x\n") -> Path:
    folder = settings.state / "logs" / f"dag_id={run[0]}" / f"run_id={run[1]}" / f"task_id={task}"
    return made(folder / f"attempt={attempt}.log", days_old, text)


def expire(settings: Settings, kept: set[tuple[str, str]]) -> int:
    return run_files.expire(settings.state / "logs", settings.state / "parsed", kept, days=7)


def test_the_log_of_an_active_run_stays_at_any_age_without_earlier_attempts(settings: Settings):
    first, tenth = (log(settings, STREAM, "stream", attempt, 300) for attempt in (1, 10))
    second = log(settings, STREAM, "stream", 2, 3)
    assert expire(settings, {STREAM}) == 1
    assert (first.exists(), second.exists(), tenth.exists()) == (False, True, True)


def test_an_old_run_that_airflow_forgot_leaves_only_the_folder_of_its_dag(settings: Settings):
    run = ("watch_logs", "scheduled__2026-01-01T00:05:00+00:00")
    for task in ("lag", "breaker"):
        log(settings, run, task, 1, 30)
    young = log(settings, ("watch_logs", "scheduled__2026-01-09T00:05:00+00:00"), "lag", 1, 1)
    assert expire(settings, set()) == 2
    folder = settings.state / "logs" / "dag_id=watch_logs"
    assert [path.name for path in folder.iterdir()] == [young.parent.parent.name]
    os.utime(young, (0, 0))
    assert expire(settings, set()) == 1
    assert folder.is_dir()
    assert not list(folder.iterdir())


def test_old_logs_of_the_dag_processor_are_removed_too(settings: Settings):
    old = made(settings.state / "parsed" / "2026-01-01" / "dags-folder" / "watch_logs.py.log", 9)
    young = made(settings.state / "parsed" / "2026-01-09" / "dags-folder" / "watch_logs.py.log", 1)
    (settings.state / "parsed" / "latest").symlink_to(young.parent.parent)
    assert expire(settings, set()) == 1
    assert not old.parent.parent.exists()
    assert young.exists()
    assert (settings.state / "parsed" / "latest").is_symlink()


def test_nothing_else_in_the_state_is_touched(settings: Settings):
    kept = [made(settings.state / name, 900) for name in ("stack.json", "kafka/data/x", "accounts/ds=2020-01-01/a.csv")]
    assert expire(settings, set()) == 0
    assert all(path.exists() for path in kept)


def test_a_log_in_use_keeps_its_newest_lines_and_can_grow(settings: Settings):
    text = "".join(f"line {number}\n" for number in range(2_000_000))
    file = log(settings, STREAM, "stream", 1, 0, text)
    with file.open("ab") as writer:
        assert expire(settings, {STREAM}) == 0
        writer.write(b"the next\n")
    lines = file.read_text().splitlines()
    assert file.stat().st_size <= run_files.MOST_BYTES / 2 + 10
    assert lines[-2:] == ["line 1999999", "the next"]
    assert lines[0].startswith("line ")
    before = file.stat().st_size
    expire(settings, {STREAM})
    assert file.stat().st_size == before, "until it has grown again"
