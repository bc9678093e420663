"""Which browser the browser tests use."""

from pathlib import Path

import pytest

from include.stack.fetch import browser


def program(folder: Path, name: str) -> Path:
    made = folder / name
    made.write_text("#!/bin/sh\n")
    made.chmod(0o755)
    return made


def test_the_named_browser_takes_precedence_over_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv(browser.VARIABLE, raising=False)
    assert browser.find() is None
    chrome = program(tmp_path, "google-chrome")
    assert browser.find() == chrome
    chromium = program(tmp_path, "chromium")
    assert browser.find() == chromium
    monkeypatch.setenv(browser.VARIABLE, str(chrome))
    assert browser.find() == chrome


def test_a_missing_named_browser_is_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    program(tmp_path, "chromium")
    monkeypatch.setenv(browser.VARIABLE, str(tmp_path / "nowhere"))
    assert browser.find() is None
