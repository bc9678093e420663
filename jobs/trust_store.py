"""The certificates that MySQL's own is checked with, in the form in which Java reads them."""

import tempfile
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption
from cryptography.hazmat.primitives.serialization.pkcs12 import PKCS12Certificate, serialize_java_truststore

from include.settings import Settings

_FILE: Final = "mysql-ca.p12"
_WORD: Final = "public"
"""The format asks for a password; what it closes is public."""


def jdbc_parameters(settings: Settings) -> dict[str, str]:
    """What the address of MySQL needs, so that its certificate and name are checked with `mysql_ca`; else nothing.

    Writes the file that it names, in the state folder. Raises ValueError when `mysql_ca` holds no certificate.
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
    """Writes the certificates of a PEM file as a Java trust store, whole or not at all; gives its path."""
    certificates = x509.load_pem_x509_certificates(ca.read_bytes())
    entries = [PKCS12Certificate(each, f"ca-{number}".encode()) for number, each in enumerate(certificates)]
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
        file.write(serialize_java_truststore(entries, BestAvailableEncryption(_WORD.encode())))
    return Path(file.name).replace(path)
