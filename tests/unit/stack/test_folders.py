"""Which folders the stack can use. All others are refused before anything is downloaded."""

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from include import folders
from include.driver.submit import java_options, submit_conf
from include.settings import Settings
from include.stack.machine import needs
from include.stack.servers import kafka_config


@pytest.mark.parametrize("name", ["My Projects", "Müller", "Mu\u0308ller", "日誌", "a (1)", "a&b", "x+y@2z~", "-a.c"])
def test_plain_names_are_accepted(tmp_path: Path, name: str):
    assert folders.problem(tmp_path / name) is None


@pytest.mark.parametrize("letter", [*":;,%#\"'\\$`*?[]{}|<>!^=\n\t\r\x7f\u2028😀", "\udce9"])
def test_special_characters_are_refused_and_named(tmp_path: Path, letter: str):
    found = needs.places(tmp_path, tmp_path / f"a{letter}b")
    assert ascii(letter)[1:-1].lstrip("\\") in found.found
    assert "LOGSIEVE_STATE" in found.remedy


def test_a_long_path_a_file_and_a_noexec_mount_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "file").touch()
    assert "characters" in (folders.problem(tmp_path / ("x" * 250)) or "")
    assert folders.problem(tmp_path / "file" / "state") == "is not a folder"
    monkeypatch.setattr(os, "statvfs", lambda path: SimpleNamespace(f_flag=os.ST_NOEXEC))
    assert "noexec" in (folders.problem(tmp_path) or "")


def test_a_user_without_a_name_is_refused_with_a_remedy(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("os.geteuid", lambda: 54321)
    assert "/etc/passwd" in needs.user().remedy


def test_options_of_a_jvm_keep_their_spaces(tmp_path: Path):
    assert java_options(["-Xss8m", "-Da=/my logs/é"]) == '-Xss8m "-Da=/my logs/é"'
    settings = Settings(state=tmp_path / "my logs", parts=tmp_path / "my parts")
    option = f'"-Djava.io.tmpdir={settings.scratch / "stream_logs"}"'
    assert option in submit_conf(settings)["spark.driver.extraJavaOptions"]


def test_paths_of_any_alphabet_are_escaped_in_properties_files():
    assert kafka_config._java_text(Path("/my logs/é𝒳")) == "/my logs/\\u00e9\\ud835\\udcb3"
