"""What driver and executors on Kubernetes get: the image has the code, a Secret of the namespace the settings."""

import hashlib
import hmac
from pathlib import PurePosixPath
from typing import Final

from include.driver import shipping
from include.settings import ROOT, SECRETS, Settings

SECRET: Final = "logsieve"  # noqa: S105  # a name
"""Name of the Secret with a file for each setting: see LOGSIEVE_SECRETS."""
TEMPLATE: Final = ROOT / "jobs" / "pod.yaml"
CONTAINER: Final = "spark"
"""Name of Spark's container in the template of pods."""
ACCOUNTS: Final = {role: f"logsieve-{role}" for role in ("driver", "executor")}
"""The service accounts of the pods: include/stack/containers/kubernetes.yaml."""

_MOUNTED: Final = "/run/logsieve"
_IN_IMAGE: Final = PurePosixPath("/opt/logsieve")
_JARS: Final = f"{_IN_IMAGE}/parts/*:{_IN_IMAGE}/parts/jars/spark/*"
_SHARED: Final = "spark_secret"
"""File of the Secret with what driver and executors authenticate each other by. By default Spark would put it into a
variable of the executors' pods, which whoever may list pods could read."""


def is_kubernetes(master: str) -> bool:
    """Whether a Spark master stands for Kubernetes."""
    return master.startswith("k8s://")


def application(job: str) -> str:
    """The URL of a module of the folder jobs in the image."""
    return f"local://{_IN_IMAGE / 'jobs' / job}.py"


def conf(settings: Settings) -> dict[str, str]:
    """Properties of driver and executors. Raises ValueError if there is no image."""
    if not settings.image:
        raise ValueError(
            "set LOGSIEVE_IMAGE to the image of the pods: that of our Dockerfile, where Kubernetes finds it"
        )
    found = {
        "spark.kubernetes.container.image": settings.image,
        f"spark.kubernetes.driverEnv.{SECRETS}": _MOUNTED,
        f"spark.executorEnv.{SECRETS}": _MOUNTED,
        # Otherwise it would be that of whoever submits.
        "spark.pyspark.python": str(_IN_IMAGE / ".venv" / "bin" / "python"),
        "spark.pyspark.driver.python": str(_IN_IMAGE / ".venv" / "bin" / "python"),
        # There are no volumes, and the service goes with the driver's pod: it needs no right to remove either.
        "spark.kubernetes.driver.service.deleteOnTermination": "false",
        "spark.kubernetes.driver.ownPersistentVolumeClaim": "false",
        "spark.kubernetes.driver.reusePersistentVolumeClaim": "false",
        "spark.authenticate.secret.file": f"{_MOUNTED}/{_SHARED}",
    }
    for role, account in ACCOUNTS.items():
        found |= {
            f"spark.kubernetes.{role}.podTemplateFile": str(settings.pod_template or TEMPLATE),
            f"spark.kubernetes.{role}.podTemplateContainerName": CONTAINER,
            f"spark.kubernetes.authenticate.{role}.serviceAccountName": account,
            f"spark.kubernetes.{role}.secrets.{SECRET}": _MOUNTED,
            f"spark.kubernetes.{role}.request.cores": f"{settings.pod_cpus:g}",
            f"spark.{role}.extraClassPath": _JARS,
        }
    return found


def logging_url() -> str:
    """The URL of the settings of logs in the image."""
    return f"file://{_IN_IMAGE / shipping.LOGGING.relative_to(ROOT)}"


def secret(settings: Settings) -> dict[str, bytes]:
    """The files of the Secret: what jobs read of these settings, and no other secrets."""
    found = shipping.settings_files(settings, _MOUNTED)
    # Derived, so that it changes only with the passwords: a running driver's next executors must know it too.
    passwords = settings.mysql_stream_password.get_secret_value(), settings.kafka_password.get_secret_value()
    return found | {_SHARED: hmac.digest("\0".join(passwords).encode(), b"spark", hashlib.sha256).hex().encode()}
