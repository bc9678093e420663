"""Kafka and MySQL settings as options of librdkafka and Java."""

from pathlib import Path

import pytest

from include.clients import kafka
from include.settings import Settings
from jobs import trust_store


@pytest.fixture
def ca(tmp_path: Path) -> Path:
    path = tmp_path / "ca.pem"
    path.write_text("-----BEGIN CERTIFICATE-----\n")
    return path


def test_a_plain_broker_needs_only_its_address(ca: Path):
    settings = Settings(kafka_bootstrap="kafka:9092", kafka_ca=ca, kafka_user="left over", kafka_password="x")

    assert kafka.native(settings) == {"bootstrap.servers": "kafka:9092", "socket.timeout.ms": 10_000}
    assert kafka.spark(settings) == {
        "kafka.bootstrap.servers": "kafka:9092",
        "kafka.request.timeout.ms": "10000",
    }


@pytest.mark.parametrize("password", ['a "quoted" one', "back\\slash", 'both \\"'])
def test_a_password_ends_where_its_quotes_end(password: str):
    settings = Settings(kafka_security="SASL_PLAINTEXT", kafka_user="logsieve", kafka_password=password)

    written = kafka.spark(settings)["kafka.sasl.jaas.config"]

    escaped = password.replace("\\", "\\\\").replace('"', '\\"')
    assert written == (
        f'org.apache.kafka.common.security.scram.ScramLoginModule required username="logsieve" password="{escaped}";'
    )
    assert kafka.native(settings)["sasl.password"] == password


def test_tls_without_a_ca_trusts_what_the_machine_trusts():
    options = kafka.native(Settings(kafka_security="SSL"))

    assert options["security.protocol"] == "SSL"
    assert not any("ca" in name.split(".") or "sasl" in name for name in options)


def test_without_a_ca_java_gets_no_options_for_the_certificate_of_mysql():
    assert trust_store.jdbc_parameters(Settings()) == {}


def test_a_ca_of_mysql_that_holds_no_certificate_is_an_error(ca: Path, tmp_path: Path):
    with pytest.raises(ValueError, match=r"(?i)pem|certificate"):
        trust_store.jdbc_parameters(Settings(state=tmp_path, mysql_ca=ca))


def test_with_a_ca_java_checks_certificate_and_name(tmp_path: Path):
    from tests.integration.own_servers import certificates

    found = trust_store.jdbc_parameters(Settings(state=tmp_path, mysql_ca=certificates(tmp_path / "of")))

    assert found["sslMode"] == "VERIFY_IDENTITY"
    assert found["fallbackToSystemTrustStore"] == "false"
    assert Path(found["trustCertificateKeyStoreUrl"].removeprefix("file://")).stat().st_size > 0
