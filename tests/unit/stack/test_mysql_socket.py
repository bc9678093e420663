"""Which programs of a stack are told of MySQL's Unix socket, and who may log in there."""

import json
import re
from pathlib import Path

import pytest

from include.settings import Settings
from include.stack.environment import SECRETS, Environment
from include.stack.ports import Ports
from include.stack.servers import mysql_users

PORTS = Ports(mysql=13306)
PASSWORDS = {name: f"the {name}" for name in (*SECRETS, "airflow_fernet")}


@pytest.fixture(autouse=True)
def _not_root(monkeypatch: pytest.MonkeyPatch) -> None:
    """Root's servers would have a folder outside of this state, which other users cannot enter."""
    monkeypatch.setattr("os.geteuid", lambda: 54321)


def told(state: Path) -> tuple[str, str, str | None]:
    """The socket as commands, as programs, and as Airflow's tasks are told of it."""
    # A socket that the shell names is another server's.
    env = Environment(Settings(state=state, mysql_socket="/none"), PORTS, PASSWORDS)
    variables = env.variables()
    connection = json.loads(variables["AIRFLOW_CONN_MYSQL"])
    assert connection["port"] == int(variables["LOGSIEVE_MYSQL_PORT"]) == env.reaching().mysql_port == 13306
    return env.reaching().mysql_socket, variables["LOGSIEVE_MYSQL_SOCKET"], connection["extra"].get("unix_socket")


# Nothing is written; pytest's own folder is too long for a socket once it has counted to ten.
@pytest.mark.parametrize("name", ["state", "früh & spät (1)", "x" * (107 - len("/srv//mysql/data/mysql.sock"))])
def test_every_program_is_told_of_the_socket(name: str) -> None:
    assert told(Path("/srv") / name) == (f"/srv/{name}/mysql/data/mysql.sock",) * 3


@pytest.mark.parametrize("name", ["x" * (108 - len("/srv//mysql/data/mysql.sock")), "ü" * 50])
def test_where_a_socket_cannot_be_all_use_the_port(name: str) -> None:
    assert told(Path("/srv") / name) == ("", "", None)


def test_who_comes_by_the_socket_has_the_rights_that_he_has_at_the_port() -> None:
    statements = mysql_users.local(PASSWORDS)
    by_host = {
        host: {line.replace(f"@'{host}'", "") for line in statements if f"@'{host}'" in line}
        for host in ("localhost", "127.0.0.1")
    }
    assert by_host["localhost"] == by_host["127.0.0.1"]
    assert sum(map(len, by_host.values())) == len(statements), "there are no other hosts"
    given = {line for line in by_host["localhost"] if line.startswith("ALTER USER")}
    accounts = {*mysql_users.RIGHTS, "root"}
    assert given == {
        f"ALTER USER '{user}' IDENTIFIED BY 'the mysql_{user.removeprefix('logsieve_')}'" for user in accounts
    }


def test_in_containers_users_come_from_any_host_and_root_is_the_images() -> None:
    passwords = {name: value for name, value in PASSWORDS.items() if name != "mysql_root"}
    assert {re.findall(r"@'(.*?)'", line)[0] for line in mysql_users.remote(passwords)} == {"%"}
