"""Settings with logins and a certificate, of which a job gets some, and must not get others."""

from pathlib import Path
from typing import Any

from include.settings import Settings

PASSWORDS = {"kafka_password": 'kafka\'s "secret" früh', "mysql_stream_password": "the-stream's-secret"}
"""What a job gets."""
OTHERS = {"mysql_reader_password": "the-reader's-secret", "elasticsearch_password": "the-index's-secret"}


def settings(folder: Path, **more: Any) -> Settings:
    """Settings whose files are in the folder."""
    ca = folder / "ca.pem"
    ca.write_text("certificates")
    logins = {"kafka_security": "SASL_SSL", "kafka_user": "me", "kafka_ca": ca, "elasticsearch_user": "indexer"}
    return Settings(state=folder / "state", **logins, **PASSWORDS, **OTHERS, **more)
