"""What a part tells is read by others until it works, or has long not been told; its log has a line for each change."""

import logging
import os
import time
from pathlib import Path

import pytest

from include.watch import mysql_trouble, troubles
from include.watch.troubles import FORGOTTEN_SECONDS, Trouble, Troubles
from jobs.driver import patience
from jobs.driver.patience import Patience
from jobs.ends import QueryFailedError, Stop, StoppedError

DISABLED = Trouble("local data is disabled", "SET GLOBAL local_infile = ON")


def test_what_is_told_is_read_until_it_is_over(tmp_path: Path):
    told = Troubles(tmp_path / "troubles")
    told.clear("load")
    assert troubles.read(tmp_path / "troubles") == {}
    told.report("load", DISABLED)
    (found,) = troubles.read(tmp_path / "troubles").items()
    assert found[0] == "load"
    assert (found[1].sentence, found[1].remedy) == (
        "Verdicts wait to be loaded: local data is disabled",
        DISABLED.remedy,
    )
    told.clear("load")
    assert troubles.read(tmp_path / "troubles") == {}


@pytest.mark.parametrize("age", [FORGOTTEN_SECONDS + 10, -3600], ids=["its teller is dead", "the clock was set back"])
def test_what_was_not_told_just_now_is_forgotten(tmp_path: Path, age: float):
    Troubles(tmp_path).report("index", DISABLED)
    os.utime(tmp_path / "index.json", (time.time() - age,) * 2)
    assert troubles.read(tmp_path) == {}


def test_the_log_has_a_line_for_each_change(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    told = Troubles(tmp_path)
    with caplog.at_level(logging.INFO, "logsieve.troubles"):
        for _ in range(3):
            told.report("load", DISABLED)
        told.report("load", Trouble("no such table", "make it"))
        told.clear_all()
    assert [record.getMessage() for record in caplog.records] == [
        "Verdicts wait to be loaded: local data is disabled. SET GLOBAL local_infile = ON",
        "Verdicts wait to be loaded: no such table. make it",
        "Verdicts wait to be loaded: no longer",
    ]


def test_a_folder_that_cannot_be_written_stops_nobody(tmp_path: Path):
    (tmp_path / "file").touch()
    Troubles(tmp_path / "file" / "troubles").report("load", DISABLED)


def test_a_start_waits_for_mysql_and_says_so_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(patience, "_PAUSE_SECONDS", 0.01)
    tries = [ConnectionResetError("reset"), None]
    stop, seen = Stop(), []

    def connect() -> str:
        seen.append(troubles.read(tmp_path))
        if error := tries.pop(0):
            raise error
        return "done"

    assert Patience(stop, Troubles(tmp_path), lasts=True).retry(connect) == "done"
    assert [list(each) for each in seen] == [[], ["start"]]
    assert troubles.read(tmp_path) == {}


def test_a_stop_ends_a_start_that_waits_and_a_bounded_run_does_not_wait(tmp_path: Path):
    stop, refused = Stop(), mysql_trouble.TroubleError(DISABLED)

    def refuse() -> None:
        stop.ask()
        raise refused

    with pytest.raises(StoppedError):
        Patience(stop, Troubles(tmp_path), lasts=True).retry(refuse)
    with pytest.raises(QueryFailedError, match=r"local data is disabled\. SET GLOBAL"):
        Patience(Stop(), Troubles(tmp_path), lasts=False).retry(refuse)
    assert troubles.read(tmp_path) == {}
