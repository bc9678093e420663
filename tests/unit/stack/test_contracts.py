"""What `up` does with the contract that it is given."""

from pathlib import Path

import pytest

from include.contract.changing import in_effect
from include.contract.errors import ContractError
from include.settings import ROOT, Settings
from include.stack.errors import StackError
from include.stack.repair import contracts

TEXT = (ROOT / "contract.toml").read_text(encoding="utf-8")
OTHER = ROOT / "tests" / "contracts" / "contract.toml"


def settings(folder: Path, text: str) -> Settings:
    file = folder / "contract.toml"
    file.write_text(text, encoding="utf-8")
    return Settings(state=folder / "state", contract=file)


@pytest.mark.parametrize("fresh", [False, True])
def test_a_broken_contract_is_refused_before_anything_is_started_or_deleted(tmp_path: Path, fresh: bool) -> None:
    with pytest.raises(ContractError):
        contracts.check(settings(tmp_path, "[[field]]"), fresh=fresh, asked=False)


def test_a_broken_edit_does_not_keep_the_stack_from_starting(tmp_path: Path) -> None:
    in_effect.keep_first(settings(tmp_path, TEXT))
    broken = tmp_path / "edited.toml"  # under another name: a process reads a file once
    broken.write_text("[[field]]", encoding="utf-8")
    edited = Settings(state=tmp_path / "state", contract=broken)
    contracts.check(edited, fresh=False, asked=False)
    assert "another one" in contracts.waiting(edited)
    with pytest.raises(ContractError):
        contracts.check(edited, fresh=True, asked=False)


def test_another_contract_is_not_taken_for_the_one_in_effect(tmp_path: Path) -> None:
    first = settings(tmp_path, TEXT)
    in_effect.keep_first(first)
    contracts.check(first, fresh=False, asked=True)
    assert contracts.waiting(first) == ""
    other = Settings(state=first.state, contract=OTHER)
    contracts.check(other, fresh=False, asked=False)
    assert "contract diff" in contracts.waiting(other)
    with pytest.raises(StackError) as raised:
        contracts.check(other, fresh=False, asked=True)
    assert f"contract apply {OTHER}" in raised.value.remedy
    contracts.check(other, fresh=True, asked=True)


def test_the_file_of_the_first_up_is_remembered_unless_a_variable_names_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LOGSIEVE_CONTRACT", raising=False)
    monkeypatch.setenv("LOGSIEVE_STATE", str(tmp_path / "state"))
    assert in_effect.declared(Settings()) == ROOT / "contract.toml"
    in_effect.keep_first(settings(tmp_path, TEXT))
    assert in_effect.declared(Settings()) == tmp_path / "contract.toml"
    monkeypatch.setenv("LOGSIEVE_CONTRACT", str(OTHER))
    assert in_effect.declared(Settings()) == OTHER
