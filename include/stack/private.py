"""Files that only their owner can read, and new secrets of a certain form. Needs the standard library only."""

import os
import secrets
from base64 import urlsafe_b64encode
from pathlib import Path


def write_private(path: Path, text: str) -> None:
    """Writes a file that only its owner can read (0600), whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    partial.unlink(missing_ok=True)
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    partial.rename(path)


def fernet_key() -> str:
    """A new key for what Airflow encrypts in its database."""
    return urlsafe_b64encode(secrets.token_bytes(32)).decode()


def cluster_id() -> str:
    """A new id for a Kafka cluster. Its first letter is fixed: a "-" there would be taken for an option."""
    return urlsafe_b64encode(b"L" + secrets.token_bytes(15)).decode().rstrip("=")
