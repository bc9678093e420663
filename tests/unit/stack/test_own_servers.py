"""Which servers the commands work with: a stack's that was started here, else the user's own."""

from pathlib import Path

import pytest

from include.settings import Settings
from include.stack import environment, own_servers
from include.stack.commands import terminal
from include.stack.environment import Environment
from include.stack.errors import StackError
from include.stack.machine import shell
from include.stack.own_servers import NAMED_BY, OwnServers


@pytest.mark.parametrize("name", NAMED_BY)
def test_settings_that_name_servers_are_enough(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str) -> None:
    monkeypatch.setenv(f"LOGSIEVE_{name.upper()}", "https://example.org:9200")
    found = own_servers.load(Settings(state=tmp_path))
    assert isinstance(found, OwnServers)
    assert getattr(found.reaching(), name) == "https://example.org:9200"


def test_a_stack_that_was_started_here_comes_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LOGSIEVE_KAFKA_BOOTSTRAP", "kafka.example.org:9092")
    settings = Settings(state=tmp_path)
    environment.make(settings)
    found = own_servers.load(settings)
    assert isinstance(found, Environment)
    assert found.outside.kafka["bootstrap.servers"] == "127.0.0.1:9092"


def test_without_either_the_remedy_names_both(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LOGSIEVE_STATE", str(tmp_path))
    monkeypatch.setenv("LOGSIEVE_KAFKA_BOOTSTRAP", "")  # counts as not set
    with pytest.raises(StackError, match="No stack has been started here yet") as error:
        terminal.servers()
    assert "./logsieve up" in error.value.remedy
    assert all(f"LOGSIEVE_{name.upper()}" in error.value.remedy for name in NAMED_BY)


def test_a_program_gets_the_variables_that_name_the_servers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LOGSIEVE_MYSQL_HOST", "mysql.example.org")
    monkeypatch.setenv("AIRFLOW_HOME", "/airflow")
    variables = OwnServers(Settings(state=tmp_path)).judging()
    assert variables["LOGSIEVE_MYSQL_HOST"] == "mysql.example.org"
    assert Path(variables["TMPDIR"]).is_dir()
    assert "AIRFLOW_HOME" not in variables
    assert shell.STACK_VARIABLE not in variables, "`down` would stop it"
