"""What the commands that name an account refuse before they ask a server, by the contract."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from rich.console import Console

from include.contract import documents, reading
from include.contract.model import Contract
from include.settings import Settings
from include.stack.commands import users
from include.stack.commands.generate import write_exports
from include.stack.errors import StackError
from include.stack.repair import rejudge
from jobs.rejudging import chosen
from tests.unit.users.shapes import OTHER_CONTRACT


@pytest.fixture
def no_dimension(tmp_path: Path) -> Iterator[None]:
    file = tmp_path / "contract.json"
    file.write_text(documents.canonical(Contract(OTHER_CONTRACT.fields)), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOGSIEVE_CONTRACT", str(file))
        reading.follow()
        yield
    reading.follow()


@pytest.mark.parametrize("key", ["soon", "2147483648", "6.5", ""])
def test_an_account_that_there_cannot_be_is_refused(key: str) -> None:
    for ask in (lambda: users.users(key), lambda: rejudge.run(None, accounts=[key])):  # type: ignore[arg-type]
        with pytest.raises(StackError, match="is no account, which is a 32-bit integer"):
            ask()


def test_without_a_dimension_there_are_no_users_and_no_exports(no_dimension: None, tmp_path: Path) -> None:
    with pytest.raises(StackError, match="The contract has no dimension, so there are no users"):
        users.users("684")
    settings, day = Settings(accounts_path=str(tmp_path), accounts=10), date(2026, 11, 23)
    with pytest.raises(StackError, match="so there are no accounts exports"):
        write_exports(settings, Console(quiet=True), day, day, force=False)
    with pytest.raises(chosen.NotLoadedError, match="the contract has no dimension"):
        chosen.of_dimension()


@pytest.mark.parametrize(
    ("value", "literal"), [(-7, "-7"), ("a' OR ''='", "X'6127204f522027273d27'"), ("é", "X'c3a9'")]
)
def test_a_key_becomes_a_literal_of_sql(value: int | str, literal: str) -> None:
    assert chosen._literal(value) == literal
