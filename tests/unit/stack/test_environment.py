"""The variables that the embedded stack sets for its programs."""

import json
from pathlib import Path

import pytest

from include.settings import Settings
from include.stack.environment import SECRETS, Environment
from include.stack.fetch import class_archive
from include.stack.ports import Ports


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

    assert (settings.kafka_security, settings.kafka_user) == ("SASL_PLAINTEXT", "logsieve_admin")
    assert (settings.kafka_ca, settings.mysql_ca, settings.elasticsearch_ca) == (None, None, None)
    assert (settings.elasticsearch_user, settings.elasticsearch_password.get_secret_value()) == (
        "logsieve_admin", "secret",
    )  # fmt: skip


def test_a_folder_of_ones_own_adds_dags_to_ours(tmp_path: Path):
    passwords = dict.fromkeys((*SECRETS, "airflow_fernet"), "secret")
    name = "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST"
    assert name not in Environment(Settings(state=tmp_path), Ports(), passwords).variables()
    own = Settings(state=tmp_path, own_dags=tmp_path / "mine" / ".." / "dags")
    bundles = json.loads(Environment(own, Ports(), passwords).variables()[name])
    assert [bundle["kwargs"] for bundle in bundles] == [{}, {"path": str(tmp_path / "dags")}]
    assert [bundle["name"] for bundle in bundles] == ["dags-folder", "own-dags"]


def test_the_rehearsal_of_the_driver_finds_state_and_parts_wherever_they_are(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    settings = Settings(state=tmp_path / "state", parts=tmp_path / "parts")
    for name, value in class_archive.variables(settings).items():
        monkeypatch.setenv(name, value)
    assert (Settings().state, Settings().parts) == (settings.state, settings.parts)
