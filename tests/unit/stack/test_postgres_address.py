"""Where Airflow finds its PostgreSQL: on a Unix socket in a folder that others cannot enter, else on loopback."""

from pathlib import Path

import pytest
from psycopg2.extensions import parse_dsn
from sqlalchemy.engine import make_url

from include.settings import Settings
from include.stack import folders
from include.stack.engines import ports_used
from include.stack.environment import Environment
from include.stack.ports import Ports

PORTS = Ports(postgres=15432)


@pytest.fixture(autouse=True)
def _not_root(monkeypatch: pytest.MonkeyPatch) -> None:
    """Root's servers would have a folder outside of this state, which other users cannot enter."""
    monkeypatch.setattr("os.geteuid", lambda: 54321)


@pytest.mark.parametrize("name", ["state", "früh & spät (1)", "x+y@2z~"])
def test_both_clients_of_airflow_take_the_folder_whatever_its_name(name: str) -> None:
    # Nothing is written; pytest's own folder is too long for a socket once it has counted to ten.
    env = Environment(Settings(state=Path("/srv") / name), PORTS, {"postgres": "secret"})
    folder = str(folders.of_server(env.settings, "postgres") / "tmp")
    found = make_url(env.metadata_url).translate_connect_args() | make_url(env.metadata_url).query
    assert (found["host"], found["port"]) == (folder, "5432")
    assert parse_dsn(env.metadata_url.replace("+psycopg2", ""))["host"] == folder
    assert "postgres" not in ports_used("local", env.settings, PORTS)


@pytest.mark.parametrize("name", ["x" * 100, "ü" * 50])
def test_where_a_socket_cannot_be_postgresql_listens_on_loopback(tmp_path: Path, name: str) -> None:
    settings = Settings(state=tmp_path / name)
    assert folders.postgres_address(settings, PORTS) == ("127.0.0.1", 15432)
    assert ports_used("local", settings, PORTS)["postgres"] == 15432
