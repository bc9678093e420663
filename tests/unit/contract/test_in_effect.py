"""Which contract a program reads: that which was applied, not what a person is editing."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from include.contract import reading
from include.contract.changing import changes, in_effect
from include.settings import ROOT, Settings

TEXT = (ROOT / "contract.toml").read_text(encoding="utf-8")
FIRST = reading.parse(TEXT, ROOT / "contract.toml")
SECOND = changes.following(
    FIRST, reading.parse(TEXT.replace("[roles]", '[[field]]\nname = "note"\ntype = "text"\n\n[roles]'), Path("two"))
)


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[Settings]:
    declared = tmp_path / "contract.toml"
    declared.write_text(TEXT, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOGSIEVE_STATE", str(tmp_path / "state"))
        patch.setenv("LOGSIEVE_CONTRACT", str(declared))
        reading.follow()
        yield Settings()
    reading.follow()


def test_before_the_first_up_it_is_the_declared_one(settings: Settings) -> None:
    assert settings.contract_in_effect == settings.contract


def test_an_edit_reaches_no_program_before_it_is_applied(settings: Settings) -> None:
    in_effect.switch(settings, in_effect.write(settings, FIRST))
    settings.contract.write_text("half a te", encoding="utf-8")
    assert reading.current() == FIRST
    assert Settings().contract_in_effect.is_relative_to(settings.state)
    files = [path for path in settings.state.rglob("*") if path.is_file()]
    assert [path for path in files if path.stat().st_mode & 0o077] == [], "nobody else reads the state"


def test_a_program_keeps_its_contract_until_it_follows(settings: Settings) -> None:
    in_effect.switch(settings, in_effect.write(settings, FIRST))
    assert (reading.current(), reading.follow()) == (FIRST, False)
    kept = Settings().contract_in_effect
    in_effect.switch(settings, in_effect.write(settings, SECOND))
    assert reading.current() == FIRST, "as a driver does"
    assert reading.load(kept) == FIRST, "its file is there"
    assert reading.follow()
    assert (reading.current(), reading.follow()) == (SECOND, False)
    in_effect.switch(settings, in_effect.write(settings, FIRST))
    assert reading.follow(), "one that was not completed is taken back"
    assert reading.current() == FIRST


def test_a_file_that_apply_wrote_is_taken_as_it_is(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """A driver was submitted with it, or another machine got a copy."""
    second = in_effect.write(settings, SECOND)
    in_effect.switch(settings, in_effect.write(settings, FIRST))
    monkeypatch.setenv("LOGSIEVE_CONTRACT", str(second))
    reading.follow()
    assert reading.current() == SECOND
