"""The unit that starts the stack with the machine is one that systemd accepts."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from include.settings import ROOT, Settings
from include.stack.commands import service


@pytest.fixture
def text(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("LOGSIEVE_RATE", "5")
    monkeypatch.setenv("LOGSIEVE_MYSQL_READER_PASSWORD", 'a "b" 100% \\ $HOME')
    monkeypatch.setenv("LOGSIEVE_STACK", "of the stack that calls it")
    return service.unit(Settings(state=Path("/data/früh & spät")))


def test_it_keeps_the_settings_of_the_shell_and_no_mark_of_a_stack(text: str):
    lines = text.splitlines()
    assert 'Environment="LOGSIEVE_RATE=5"' in lines
    assert 'Environment="LOGSIEVE_STATE=/data/früh & spät"' in lines
    assert 'Environment="LOGSIEVE_MYSQL_READER_PASSWORD=a \\"b\\" 100%% \\\\ $HOME"' in lines
    assert "LOGSIEVE_STACK" not in text
    assert f'ExecStart="{ROOT}/logsieve" up' in lines
    assert f'ExecStop="{ROOT}/logsieve" down' in lines


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="this machine has no systemd-analyze")
def test_systemd_finds_nothing_wrong_with_it(text: str, tmp_path: Path):
    file = tmp_path / service.NAME
    file.write_text(text)
    command = ["systemd-analyze", "--user", "verify", str(file)]
    done = subprocess.run(command, env={**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)}, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    file.write_text(text.replace("RemainAfterExit", "Remain"))
    done = subprocess.run(command, env={**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)}, capture_output=True, text=True)
    assert "Unknown key" in done.stderr, "it looks at the keys"
