"""Low disk space is reported with its place, the limit, the time until it is full, and the remedy."""

import shutil
from pathlib import Path

from include.retention.disk_bounds import GIB
from include.settings import Settings
from include.stack.environment import Environment
from include.stack.ports import Ports
from include.stack.run import doctor
from include.watch import free_space
from include.watch.free_space import Space


def test_enough_space_is_well():
    (verdict,) = free_space.assess([Space(Path("/data"), 5 * GIB)], 3)
    assert verdict.ok
    assert verdict.sentence == "5.0 GiB are free at /data"


def test_little_space_is_told_for_each_disk_with_the_remedy():
    verdicts = free_space.assess([Space(Path("/data"), 5 * GIB), Space(Path("/other"), 2 * GIB)], 3)
    assert [verdict.ok for verdict in verdicts] == [True, False]
    assert "2.0 GiB are free at /other, less than 3" in verdicts[1].sentence
    assert "LOGSIEVE_DISK_GIB" in verdicts[1].sentence


def test_it_tells_for_how_long_it_lasts_where_the_rate_is_known():
    (verdict,) = free_space.assess([Space(Path("/data"), 2 * GIB)], 3, 100)
    assert "100 logs a second fill in 6.3 h" in verdict.sentence
    (unknown,) = free_space.assess([Space(Path("/data"), 2 * GIB)], 3, 0)
    assert " h" not in unknown.sentence.split(".")[1]


def test_a_disk_is_read_once_though_two_folders_are_on_it_and_none_is_made(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(Settings, "outside", tmp_path)
    settings = Settings(state=tmp_path / "state")
    assert [space.folder for space in free_space.read(settings)] == [tmp_path]
    settings.state.mkdir()
    (space,) = free_space.read(settings)
    assert space.folder == settings.state
    assert space.free > 0


def test_what_is_short_is_one_text_for_status_and_page(tmp_path: Path):
    assert free_space.short(Settings(state=tmp_path, free_gib=0.1)) == ""
    assert str(tmp_path) in free_space.short(Settings(state=tmp_path, free_gib=1_000_000))


def test_doctor_requires_the_free_space_and_shows_the_limit_for_logs(tmp_path: Path):
    def look(state: Path, **settings: float) -> doctor.Check:
        return doctor.disk(Environment(Settings(state=state, **settings), Ports.model_construct(), {}))

    free = shutil.disk_usage(tmp_path).free / GIB
    assert look(tmp_path, free_gib=free - 0.2).remedy == ""
    assert look(tmp_path / "new", free_gib=free - 0.2).remedy, "the first start takes 1 GiB"
    assert look(tmp_path, free_gib=free + 10).remedy
    assert " 3 needed now" in look(tmp_path, free_gib=3).found
    assert "logs may use 20" in look(tmp_path).found
    assert "logs may use 7.5" in look(tmp_path, disk_gib=7.5).found
    assert "unlimited" in look(tmp_path, disk_gib=0).found
