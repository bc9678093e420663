"""A current MySQL runs; data of the old one stays with the old one, which can do all that the stack needs."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import mysql.connector
import pytest

from include.clients.outside import Outside
from include.settings import Settings
from include.stack.environment import SECRETS, Environment
from include.stack.fetch import mysqld, packages
from include.stack.ports import Ports, free_ports
from include.stack.run.up import wipe
from include.stack.servers import mysql_config, probes, server_users
from include.stack.servers.programs import Homes, servers
from tests.integration import own_servers
from tests.integration.stack import Stack, until


@pytest.mark.skipif(not packages.available(), reason="without apt-get the stack may run the old MySQL")
def test_a_current_mysql_runs_and_refuses_old_tls(stack: Stack) -> None:
    ((version, tls),) = stack.root_sql("SELECT VERSION(), @@tls_version")
    assert tuple(int(part) for part in version.partition("-")[0].split(".")) >= mysqld.OLDEST
    assert tls == "TLSv1.2,TLSv1.3"
    assert "of 2019" not in stack.first_up.stderr  # type: ignore[attr-defined]


@pytest.fixture
def other(stack: Stack, tmp_path: Path) -> Iterator[Environment]:
    """A state of its own, with the parts of the stack."""
    settings = Settings(state=tmp_path / "state", parts=stack.env.settings.parts)
    env = Environment(settings, Ports(**free_ports()), dict.fromkeys(SECRETS, "secret"))
    yield env
    wipe(env)


def choose(env: Environment, made_by: mysqld.Version | None) -> mysqld.Mysqld:
    jars = env.settings.parts / "jars"
    return mysqld.choose(env.settings, jars, made_by, partial(server_users.program, env, "mysql"))


@contextmanager
def running(env: Environment, chosen: mysqld.Mysqld, log: Path) -> Iterator[None]:
    """Runs this server; yields once it answers at its port."""
    (server,) = [server for server in servers(env, Homes(mysql=chosen)) if server.name == "mysql"]
    assert env.reaching().mysql_socket
    with own_servers.running(env, server, log):
        until(lambda: answers_at_port(env), 60, "it answers")
        yield


def answers_at_port(env: Environment) -> bool:
    at_port = env.reaching().model_copy(update={"mysql_socket": ""})
    try:
        Outside(at_port).mysql().close()
    except mysql.connector.Error:
        return False
    return True


def test_data_of_the_old_server_stays_with_it_and_up_says_the_way_out(other: Environment, tmp_path: Path) -> None:
    folder = server_users.prepare(other, "mysql")
    mysql_config.prepare(other, choose(other, mysqld.IN_JAR))
    (folder / mysql_config.VERSION).unlink()  # as if made before versions were noted
    old = choose(other, mysql_config.made_by(other))
    assert old.version == mysqld.IN_JAR
    assert "8.0.15 of 2019 runs, because the data was made by it" in old.warning
    assert "LOGSIEVE_MYSQLD" in old.warning
    mysql_config.prepare(other, old)
    with running(other, old, tmp_path / "old-mysql.log"):
        assert probes.mysql(other) is None


def test_users_of_an_earlier_version_who_had_only_the_port_get_the_socket(other: Environment, tmp_path: Path) -> None:
    folder, chosen = server_users.prepare(other, "mysql"), choose(other, None)
    mysql_config.prepare(other, chosen)
    users = folder / "users.sql"
    lines = users.read_text().splitlines(keepends=True)
    users.write_text("".join(line for line in lines if not re.search("'logsieve_.*'@'localhost'", line)))
    with running(other, chosen, tmp_path / "before.log"):
        # MySQL hides who exists: it asks an unknown user for a random kind of password, so the words vary.
        assert probes.mysql(other)
    mysql_config.prepare(other, chosen)
    with running(other, chosen, tmp_path / "after.log"):
        assert probes.mysql(other) is None
