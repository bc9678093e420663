"""Settings come from LOGSIEVE_ variables, and an invalid one is named."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from include.settings import Settings


@pytest.fixture(autouse=True)
def _no_settings_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    for field in Settings.model_fields:
        monkeypatch.delenv(f"LOGSIEVE_{field.upper()}", raising=False)


def test_a_variable_sets_its_setting(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LOGSIEVE_KAFKA_BOOTSTRAP", "kafka:9092")
    monkeypatch.setenv("LOGSIEVE_RATE", "12.5")
    monkeypatch.setenv("LOGSIEVE_SEED", "")

    settings = Settings()

    assert (settings.kafka_bootstrap, settings.rate) == ("kafka:9092", 12.5)
    assert settings.seed == 7, "an empty variable counts as absent"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("rate", "fast"),
        ("rate", "0"),
        ("topic_partitions", "0"),
        ("mysql_port", "70000"),
        ("share_bad", "1.1"),
        ("trigger", "sometimes"),
        ("realtime_batch_seconds", "4"),
        ("wait_milliseconds", "1001"),
        ("accounts", "9"),
        ("late_days", "366"),
        ("accounts_most_changed", "-0.1"),
        ("accounts_most_closed", "1.1"),
        ("accounts_most_added", "few"),
        ("breaker_share", "20"),
        ("breaker_window_minutes", "0"),
        ("breaker_in_a_row", "0"),
        ("breaker_stops", "perhaps"),
        ("disk_gib", "-1"),
        ("free_gib", "0"),
        ("runs_days", "0"),
        ("announce_minutes", "-1"),
        ("announce_minutes", "1441"),
        ("metrics_address", "9464"),
        ("metrics_statsd", "statsd"),
        ("metrics_statsd", "statsd:"),
        ("metrics_statsd", "statsd:0"),
        ("metrics_statsd", "statsd:65536"),
        ("metrics_statsd", "http://statsd:8125"),
        ("metrics_statsd", "::1:8125"),
        ("metrics_statsd", "[::1]:8125"),
        ("metrics_dashboard", "javascript:alert(1)"),
        ("lineage_ui", "marquez.example.org"),
    ],
)
def test_an_invalid_variable_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str):
    monkeypatch.setenv(f"LOGSIEVE_{name.upper()}", value)

    with pytest.raises(ValidationError, match=name):
        Settings()


def test_all_persistent_files_are_in_the_state(tmp_path: Path):
    settings = Settings(state=tmp_path)

    for place in (settings.checkpoints, settings.scratch, settings.dead_letters, Path(settings.accounts_exports)):
        assert place.is_relative_to(tmp_path)


def test_secrets_are_not_shown():
    assert "hunter2" not in repr(Settings(mysql_stream_password="hunter2"))


def test_a_login_without_its_password_is_refused_and_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LOGSIEVE_KAFKA_SECURITY", "SASL_SSL")
    monkeypatch.setenv("LOGSIEVE_KAFKA_USER", "logsieve")

    with pytest.raises(ValidationError, match="kafka_security=SASL_SSL needs kafka_user and kafka_password"):
        Settings()


def test_a_certificate_file_must_exist(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("LOGSIEVE_MYSQL_CA", str(tmp_path / "none.pem"))

    with pytest.raises(ValidationError, match="mysql_ca"):
        Settings()
