"""How Python programs reach MySQL: by the socket that the settings name, else by host and port."""

from pathlib import Path

import pytest

from include.clients.mysql import Address
from include.clients.outside import Outside
from include.driver import shipping
from include.settings import Settings
from jobs.database import Database

SOCKET = "/srv/mysql/mysql.sock"


def test_a_socket_takes_the_place_of_host_port_and_certificates(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").touch()
    settings = Settings(mysql_host="db", mysql_ca=tmp_path / "ca.pem", mysql_socket=SOCKET)
    assert Address.of(settings).options == {"unix_socket": SOCKET}


def test_without_a_socket_the_server_is_verified_with_the_ca(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").touch()
    settings = Settings(mysql_host="db", mysql_port=3307)
    plain = {"host": "db", "port": 3307}
    assert Address.of(settings).options == plain
    checked = {"ssl_ca": str(tmp_path / "ca.pem"), "ssl_verify_cert": True, "ssl_verify_identity": True}
    assert Address.of(settings.model_copy(update={"mysql_ca": tmp_path / "ca.pem"})).options == plain | checked


def test_both_clients_use_it(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(mysql_socket=SOCKET)
    used = []

    def connect(**options: object) -> None:
        used.append((options.get("unix_socket"), options.get("host")))
        raise ConnectionError

    monkeypatch.setattr("mysql.connector.connect", connect)
    for client in (Outside(settings).mysql, Database.of(settings).connect):
        with pytest.raises(ConnectionError):
            client()
    assert used == [(SOCKET, None)] * 2


def test_a_cluster_never_hears_of_it() -> None:
    """It is on this machine."""
    sent = shipping.settings_files(Settings(mysql_socket=SOCKET), "folder")
    assert sent["logsieve_mysql_port"] == b"3306"
    assert SOCKET.encode() not in sent.values()
