"""The file in which the watchdog notes when programs were started."""

import os
import time
from pathlib import Path

from include.watch import programs
from include.watch.programs import Program

KAFKA = {"kafka": Program(True, 1_796_000_000), "indexer": Program(False, 1_796_000_100)}


def test_what_is_written_is_read(tmp_path: Path) -> None:
    programs.write(tmp_path / "programs.json", KAFKA)
    assert programs.read(tmp_path / "programs.json") == KAFKA
    assert [each.name for each in tmp_path.iterdir()] == ["programs.json"]


def test_a_file_that_nobody_writes_any_more_says_nothing(tmp_path: Path) -> None:
    file = tmp_path / "programs.json"
    programs.write(file, KAFKA)
    old = time.time() - programs.FORGOTTEN_SECONDS - 1
    os.utime(file, (old, old))
    assert programs.read(file) == {}


def test_without_a_file_or_with_half_of_one_there_are_none(tmp_path: Path) -> None:
    file = tmp_path / "programs.json"
    assert programs.read(file) == {}
    file.write_text('{"kafka": {"up"')
    assert programs.read(file) == {}


def test_a_folder_that_is_gone_is_no_error(tmp_path: Path) -> None:
    programs.write(tmp_path / "gone" / "programs.json", KAFKA)
