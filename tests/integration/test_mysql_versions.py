"""A current MySQL runs; data of the old one stays with the old one, which can do all that the stack needs."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

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


def test_data_of_the_old_server_stays_with_it_and_up_says_the_way_out(other: Environment, tmp_path: Path) -> None:
    def choose(made_by: mysqld.Version | None) -> mysqld.Mysqld:
        jars = other.settings.parts / "jars"
        return mysqld.choose(other.settings, jars, made_by, partial(server_users.program, other, "mysql"))

    folder = server_users.prepare(other, "mysql")
    mysql_config.prepare(other, choose(mysqld.IN_JAR))
    (folder / mysql_config.VERSION).unlink()  # as if made before versions were noted
    old = choose(mysql_config.made_by(other))
    assert old.version == mysqld.IN_JAR
    assert "8.0.15 of 2019 runs, because the data was made by it" in old.warning
    assert "LOGSIEVE_MYSQLD" in old.warning
    mysql_config.prepare(other, old)
    (server,) = [server for server in servers(other, Homes(mysql=old)) if server.name == "mysql"]
    with own_servers.running(other, server, tmp_path / "old-mysql.log"):
        until(lambda: probes.mysql(other) is None, 60, "the old server answers")
