"""`up --contract` names a file from the folder in which it is typed, and starts nothing with one that is wrong."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from include.settings import ROOT


@pytest.mark.parametrize(
    ("text", "line", "remedy"),
    [
        (None, "own.toml:1: it cannot be read", "Set LOGSIEVE_CONTRACT"),
        ('[[field]]\nname = "a"\ntype = "texts"\n', "own.toml:3: field a: type is", "One of text, int32"),
    ],
)
def test_a_wrong_file_is_named_with_its_remedy(tmp_path: Path, text: str | None, line: str, remedy: str) -> None:
    if text is not None:
        (tmp_path / "own.toml").write_text(text)
    done = subprocess.run(
        [sys.executable, "-m", "include.stack.commands.cli", "up", "--contract", "own.toml"],
        env=os.environ | {"PYTHONPATH": str(ROOT), "LOGSIEVE_STATE": str(tmp_path / "state"), "COLUMNS": "200"},
        cwd=tmp_path, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 1
    assert str(tmp_path / line) in done.stderr
    assert remedy in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "state").exists()
