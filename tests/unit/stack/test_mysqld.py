"""Which MySQL server is started."""

from pathlib import Path

import pytest

from include.settings import Settings
from include.stack import folders
from include.stack.environment import Environment
from include.stack.errors import StackError
from include.stack.fetch import mysqld
from include.stack.fetch.mysqld import Mysqld, Version
from include.stack.ports import Ports
from include.stack.run import doctor
from include.stack.servers import mysql_config


def program(path: Path, version: str) -> Path:
    """A program that only prints its version, as mysqld does."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'#!/bin/sh\necho "{path} {version} (a comment)"\n')
    path.chmod(0o755)
    return path


@pytest.fixture
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings of a machine that has no MySQL."""
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setattr(mysqld, "_FOLDERS", str(tmp_path / "sbin"))
    return Settings(state=tmp_path / "state", parts=tmp_path / "parts")


@pytest.mark.parametrize(
    ("server", "data", "opens"),
    [
        ((8, 0, 15), None, True),
        ((9, 7, 4), None, True),
        ((8, 0, 15), (8, 0, 15), True),
        ((8, 0, 46), (8, 0, 15), True),
        ((8, 4, 3), (8, 0, 15), True),
        ((9, 7, 4), (8, 0, 15), False),
        ((9, 7, 4), (8, 0, 46), False),
        ((9, 7, 4), (8, 4, 0), True),
        ((9, 7, 4), (9, 7, 4), True),
        ((9, 7, 4), (9, 7, 5), False),
        ((8, 0, 15), (9, 7, 4), False),
    ],
)
def test_a_server_opens_data_of_the_versions_that_it_can_upgrade(server: Version, data: Version | None, opens: bool):
    assert Mysqld(server).opens(data) is opens


@pytest.mark.parametrize(
    "version", ["Ver 8.0.15 for Linux", "Ver 10.11.6-MariaDB for debian-linux-gnu", "Ver 8.0.29 for Linux", ""]
)
def test_the_machines_own_server_is_left_if_it_is_old_or_another_one(alone: Settings, tmp_path: Path, version: str):
    program(tmp_path / "bin" / "mysqld", version)
    assert mysqld.find(alone, None) is None


@pytest.mark.parametrize("folder", ["bin", "sbin"])
def test_the_machines_own_server_is_used_if_it_can_open_the_data(alone: Settings, tmp_path: Path, folder: str):
    own = program(tmp_path / folder / "mysqld", "Ver 8.4.6-0ubuntu1 for Linux on x86_64 ((Ubuntu))")
    found = mysqld.find(alone, (8, 0, 15))
    assert found is not None
    assert (found.version, found.command) == ((8, 4, 6), (str(own),))
    assert mysqld.find(alone, (9, 7, 4)) is None


@pytest.mark.parametrize(("made_by", "chosen"), [(None, "9.8.0"), ((9, 7, 4), "9.8.0"), ((8, 4, 0), "9.8.0")])
def test_of_fetched_servers_the_one_used_last_is_started(alone: Settings, made_by: Version | None, chosen: str):
    for version in ("9.7.4", "9.8.0"):
        home = alone.parts / f"mysqld-{version}"
        program(home / "mysqld", f"Ver {version}-2 for Linux")
        program(home / "lib" / "ld-linux-x86-64.so.2", f"Ver {version}-2 for Linux")
    found = mysqld.find(alone, made_by)
    assert found is not None
    assert found.name == chosen


@pytest.mark.parametrize("version", ["Ver 8.0.15 for Linux", "Ver 10.11.6-MariaDB for debian-linux-gnu", ""])
def test_a_named_server_that_is_not_a_current_mysql_is_refused(alone: Settings, tmp_path: Path, version: str):
    settings = alone.model_copy(update={"mysqld": program(tmp_path / "other" / "mysqld", version)})
    with pytest.raises(StackError, match=r"LOGSIEVE_MYSQLD=.* is not MySQL 8\.0\.30 or newer"):
        mysqld.find(settings, None)


def test_a_named_server_that_cannot_open_the_data_is_refused_with_a_way_out(alone: Settings, tmp_path: Path):
    settings = alone.model_copy(update={"mysqld": program(tmp_path / "other" / "mysqld", "Ver 9.7.4 for Linux")})
    with pytest.raises(StackError, match=r"9\.7\.4, which cannot open data of 8\.0\.15") as refused:
        mysqld.find(settings, (8, 0, 15))
    assert "--fresh" in refused.value.remedy


def test_data_that_no_server_can_open_is_left_alone_and_the_error_says_why(alone: Settings, tmp_path: Path):
    alone.parts.mkdir()
    with pytest.raises(StackError, match=r"open data of 9\.7\.4: no newer one could be fetched \(this machine lacks"):
        mysqld.choose(alone, tmp_path / "jars", (9, 7, 4), Path)


@pytest.mark.parametrize(
    ("data", "remedy", "found"),
    [(None, "libaio", "8.0.15 of 2019"), ((9, 7, 4), "LOGSIEVE_MYSQLD", "none that can open data of 9.7.4")],
)
def test_doctor_says_what_is_missing(
    alone: Settings, data: Version | None, remedy: str, found: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(Settings, "outside", tmp_path / "outside")
    env = Environment(alone, Ports.model_construct(), {})
    if data:
        folder = folders.of_server(env.settings, "mysql")
        (folder / "data").mkdir(parents=True)
        (folder / "data" / "mysql.ibd").touch()
        (folder / mysql_config.VERSION).write_text(".".join(map(str, data)))
    check = doctor.mysql(env)
    assert found in check.found
    assert not check.remedy or remedy in check.remedy
