"""Java's trust store with the certificates that verify MySQL's certificate."""

import tempfile
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption
from cryptography.hazmat.primitives.serialization.pkcs12 import PKCS12Certificate, serialize_java_truststore

from include.settings import Settings

_FILE: Final = "mysql-ca.p12"
_WORD: Final = "public"
"""The format requires a password; the content is public."""


def jdbc_parameters(settings: Settings) -> dict[str, str]:
    """JDBC parameters that verify MySQL's certificate and host name with `mysql_ca`; empty if it is not set.

    Writes the trust store to the state folder. Raises ValueError if `mysql_ca` has no certificate.
    """
    if settings.mysql_ca is None:
        return {}
    return {
        "sslMode": "VERIFY_IDENTITY",
        "fallbackToSystemTrustStore": "false",
        "trustCertificateKeyStoreType": "PKCS12",
        "trustCertificateKeyStoreUrl": write(settings.mysql_ca, settings.state / _FILE).as_uri(),
        "trustCertificateKeyStorePassword": _WORD,
    }


def write(ca: Path, path: Path) -> Path:
    """Writes the certificates of a PEM file as a Java trust store, atomically; returns its path."""
    certificates = x509.load_pem_x509_certificates(ca.read_bytes())
    entries = [PKCS12Certificate(each, f"ca-{number}".encode()) for number, each in enumerate(certificates)]
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
        file.write(serialize_java_truststore(entries, BestAvailableEncryption(_WORD.encode())))
    return Path(file.name).replace(path)
