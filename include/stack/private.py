"""Files that only their owner can read, and generated secrets. Standard library only."""

import os
import secrets
from base64 import urlsafe_b64encode
from pathlib import Path


def write_private(path: Path, text: str) -> None:
    """Writes a file atomically, readable only by its owner (0600)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    partial.unlink(missing_ok=True)
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    partial.rename(path)


def fernet_key() -> str:
    """A new Fernet key, with which Airflow encrypts secrets in its database."""
    return urlsafe_b64encode(secrets.token_bytes(32)).decode()


def cluster_id() -> str:
    """A new Kafka cluster id. Its first letter is fixed, because a leading "-" would be parsed as an option."""
    return urlsafe_b64encode(b"L" + secrets.token_bytes(15)).decode().rstrip("=")
