"""`up --rate 0`: the stack generates no logs, and remembers it."""

from pathlib import Path

from include.settings import Settings
from include.stack import environment

SHARES = ("LOGSIEVE_SHARE_BAD", "LOGSIEVE_SHARE_SUSPICIOUS")


def test_it_is_remembered_until_a_rate_is_given(tmp_path: Path) -> None:
    settings = Settings(state=tmp_path / "state")
    assert environment.make(settings).generates
    assert not environment.make(settings, generates=False).generates
    assert not environment.make(settings).generates
    found = environment.load(settings)
    assert found is not None
    assert not found.generates
    assert environment.make(settings, generates=True).generates


def test_of_logs_that_are_not_generated_no_bad_or_suspicious_ones_are_waited_for(tmp_path: Path) -> None:
    settings = Settings(state=tmp_path / "state")
    with_generator = environment.make(settings).whole()
    without = environment.make(settings, generates=False).whole()
    assert not set(SHARES) & with_generator.keys()
    assert [without[name] for name in SHARES] == ["0", "0"]
