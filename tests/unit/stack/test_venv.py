"""A new virtual environment never replaces the one that a running stack uses."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from include.stack.errors import StackError
from include.stack.machine import venv

VARIABLES = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
"""Uses the installed uv, as pip would take much longer."""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "My Projects é"
    folder.mkdir()
    (folder / "requirements.txt").write_text("")
    return folder


def choose(root: Path, *arguments: str) -> Path:
    return venv.choose(root, list(arguments), VARIABLES, lambda: None)


def refuse() -> None:
    raise StackError("not on this machine", "")


def test_changed_requirements_keep_the_old_environment_and_only_up_installs(
    root: Path, capfd: pytest.CaptureFixture[str]
):
    first = choose(root, "status")
    running = subprocess.Popen([first / "bin" / "python", "-c", "input()"], stdin=subprocess.PIPE)
    (root / "requirements.txt").write_text("# changed")
    for command in ("down", "status"):
        assert choose(root, command) == first
    assert "To install it: ./logsieve up" in capfd.readouterr().err
    with pytest.raises(StackError, match="not on this machine"):
        venv.choose(root, ["up"], VARIABLES, refuse)
    second = choose(root, "up")
    assert second != first
    assert (first / "bin" / "python").exists(), "the stack still runs on it"
    assert (root / ".venv").resolve() == second
    running.communicate(b"\n")
    (root / "requirements.txt").write_text("# changed again")
    third = choose(root, "up")
    assert {each.name for each in root.glob(".venv-*")} == {third.name}


def test_a_failed_installation_keeps_the_previous_environment(root: Path):
    first = choose(root, "up")
    (root / "requirements.txt").write_text("no-such-package-of-logsieve @ file:///none")
    with pytest.raises(StackError, match="Python packages") as raised:
        choose(root, "up")
    assert "proxy" in raised.value.remedy
    assert choose(root, "down") == first
    assert {each.name for each in root.glob(".venv-*")} == {first.name}


def test_an_incomplete_environment_is_rebuilt(root: Path):
    first = choose(root, "up")
    (first / "requirements.sha256").unlink()
    (first / "half").touch()
    assert not (choose(root, "status") / "half").exists()
    (first / "bin" / "python").unlink()
    assert (choose(root, "status") / "bin" / "python").exists()


def test_two_concurrent_commands_build_one_environment(root: Path, capfd: pytest.CaptureFixture[str]):
    found: list[Path] = []
    together = [threading.Thread(target=lambda: found.append(choose(root, "doctor"))) for _ in range(2)]
    for each in together:
        each.start()
    for each in together:
        each.join()
    assert len(found) == 2
    assert len(set(found)) == 1
    assert capfd.readouterr().err.count("Building .venv") == 1


def test_the_folder_of_an_earlier_version_is_used_then_replaced(root: Path):
    made = choose(root, "up")
    (root / ".venv").unlink()
    made.rename(root / ".venv")
    assert choose(root, "up") == root / ".venv"
    (root / "requirements.txt").write_text("# changed")
    made = choose(root, "up")
    assert (root / ".venv").resolve() == made
