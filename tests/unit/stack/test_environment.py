"""The variables that the embedded stack sets for its programs."""

from pathlib import Path

import pytest

from include.settings import Settings
from include.stack.environment import SECRETS, Environment, Ports


def test_settings_for_external_servers_do_not_apply_to_the_embedded_servers(
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
    settings = Settings()

    assert (settings.kafka_security, settings.mysql_ca, settings.elasticsearch_ca) == ("PLAINTEXT", None, None)
    assert (settings.elasticsearch_user, settings.elasticsearch_password.get_secret_value()) == ("", "")
