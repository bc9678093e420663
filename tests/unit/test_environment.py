"""The variables that the embedded stack gives its programs."""

from pathlib import Path

import pytest

from include.settings import Settings
from include.stack.environment import SECRETS, Environment, Ports


def test_what_the_shell_says_of_other_servers_is_not_for_the_embedded_ones(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    ca = tmp_path / "ca.pem"
    ca.touch()
    monkeypatch.setenv("LOGSIEVE_KAFKA_SECURITY", "SSL")
    monkeypatch.setenv("LOGSIEVE_MYSQL_CA", str(ca))
    monkeypatch.setenv("LOGSIEVE_ELASTICSEARCH_CA", str(ca))
    monkeypatch.setenv("LOGSIEVE_ELASTICSEARCH_USER", "somebody")
    monkeypatch.setenv("LOGSIEVE_ELASTICSEARCH_PASSWORD", "theirs")
    passwords = dict.fromkeys((*SECRETS, "airflow_fernet"), "secret")

    for name, value in Environment(Settings(state=tmp_path), Ports(), passwords).variables().items():
        monkeypatch.setenv(name, value)
    told = Settings()

    assert (told.kafka_security, told.mysql_ca, told.elasticsearch_ca) == ("PLAINTEXT", None, None)
    assert (told.elasticsearch_user, told.elasticsearch_password.get_secret_value()) == ("", "")
