"""Little free space is told, with where, the limit, for how long it lasts, and the remedy."""

from pathlib import Path

from include import free_space
from include.disk_bounds import GIB
from include.free_space import Space
from include.settings import Settings


def test_enough_space_is_well():
    (verdict,) = free_space.tell([Space(Path("/data"), 5 * GIB)], 3)
    assert verdict.ok
    assert verdict.sentence == "5.0 GiB are free at /data"


def test_little_space_is_told_for_each_disk_with_the_remedy():
    verdicts = free_space.tell([Space(Path("/data"), 5 * GIB), Space(Path("/other"), 2 * GIB)], 3)
    assert [verdict.ok for verdict in verdicts] == [True, False]
    assert "2.0 GiB are free at /other, less than 3" in verdicts[1].sentence
    assert "LOGSIEVE_DISK_GIB" in verdicts[1].sentence


def test_it_tells_for_how_long_it_lasts_where_the_rate_is_known():
    (verdict,) = free_space.tell([Space(Path("/data"), 2 * GIB)], 3, 100)
    assert "100 logs a second fill in 5.6 h" in verdict.sentence
    (unknown,) = free_space.tell([Space(Path("/data"), 2 * GIB)], 3, 0)
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
