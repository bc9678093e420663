"""What a job takes along to a cluster, where the folders of this machine do not exist: packages, jars and settings."""

import hashlib
import shutil
import sys
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from pydantic import SecretStr

from include.contract import documents, reading
from include.settings import ROOT, SECRETS, Settings

SETTINGS: Final = "logsieve-settings"
"""Folder in the working folder of driver and executors with a file for each setting: see LOGSIEVE_SECRETS."""
LOGGING: Final = ROOT / "jobs" / "log4j2.properties"

_READ_BY_JOBS: Final = (
    "contract", "kafka_bootstrap", "kafka_security", "kafka_ca", "kafka_sasl_mechanism", "kafka_user", "kafka_password",
    "topic_partitions", "mysql_host", "mysql_port", "mysql_ca", "mysql_stream_user", "mysql_stream_password",
    "trigger", "realtime_batch_seconds", "wait_milliseconds", "interval_milliseconds", "executors", "executor_cores",
    "executor_memory",
)  # fmt: skip
"""No others: a cluster's operators could read them."""
_ENVIRONMENT: Final = "environment"
_LONG_AGO: Final = (1980, 1, 1, 0, 0, 0)
"""A fixed time, so that the same content gives the same archive."""


def conf(settings: Settings, jars: list[Path]) -> dict[str, str]:
    """Properties that make Spark copy everything to driver and executors. `jars`: beside Spark's own.

    Secrets are in a file that only this user can read: neither on the command line nor in Spark's properties.
    """
    folder = _folder(settings)
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    # As a URL: Spark takes a path with spaces and the name after it for one path.
    archives = [f"{_archive(folder, 'settings', settings_files(settings, SETTINGS)).as_uri()}#{SETTINGS}"]
    python = settings.executor_python
    if "://" in python:
        archives.append(f"{python}#{_ENVIRONMENT}")
        python = f"{_ENVIRONMENT}/bin/python"
    return {
        "spark.jars": ",".join(map(str, jars)),
        "spark.submit.pyFiles": str(_archive(folder, "packages", dict(_packages()))),
        "spark.archives": ",".join(archives),
        f"spark.executorEnv.{SECRETS}": SETTINGS,
        "spark.pyspark.python": python or sys.executable,
    }


def contract_file(settings: Settings) -> Path:
    """Writes the contract for a driver beside its caller: as JSON, because it imports its modules from an archive,
    which lacks the files that check a person's TOML. Raises ContractError."""
    text = documents.canonical(reading.of(settings))
    file = _folder(settings) / f"contract-{hashlib.sha256(text.encode()).hexdigest()[:12]}.json"
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        partial = file.with_suffix(".part")
        partial.write_text(text, encoding="utf-8")
        partial.replace(file)
    return file


def remove(settings: Settings) -> None:
    """Removes what was written for earlier applications, none of which may be running."""
    shutil.rmtree(_folder(settings), ignore_errors=True)


def settings_files(settings: Settings, folder: str) -> dict[str, bytes]:
    """What jobs read of the settings, as files of the folder LOGSIEVE_SECRETS. `folder`: its path on the cluster."""
    found = {}
    for name in _READ_BY_JOBS:
        value = getattr(settings, name)
        if name == "contract":  # checked here: a cluster may lack what checks it
            found[f"{name}.json"] = documents.canonical(reading.of(settings)).encode()
            value = f"{folder}/{name}.json"
        elif isinstance(value, Path):  # of certificates
            found[f"{name}.pem"] = value.read_bytes()
            value = f"{folder}/{name}.pem"
        elif isinstance(value, SecretStr):
            value = value.get_secret_value()
        if value is not None:
            found[f"LOGSIEVE_{name}".lower()] = str(value).encode()
    return found


def _folder(settings: Settings) -> Path:
    return settings.state / "cluster"


def _packages() -> Iterator[tuple[str, bytes]]:
    for package in ("include", "jobs"):
        for path in sorted((ROOT / package).rglob("*.py")):
            name = path.relative_to(ROOT)
            if name.parts[:2] != ("include", "stack"):  # it runs servers
                yield str(name), path.read_bytes()


def _archive(folder: Path, name: str, content: Mapping[str, bytes]) -> Path:
    """Writes a zip file, which only this user can read, unless it exists. A running driver may need those before it."""
    digest = hashlib.sha256(repr(sorted(content.items())).encode()).hexdigest()[:12]
    target = folder / f"logsieve-{name}-{digest}.zip"
    if not target.exists():
        partial = target.with_suffix(".part")
        with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as archive:
            for entry, text in content.items():
                archive.writestr(zipfile.ZipInfo(entry, _LONG_AGO), text)
        partial.chmod(0o600)
        partial.replace(target)
    return target
