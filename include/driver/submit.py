"""Settings that spark-submit needs before the driver's JVM starts. Everything else is set in jobs/session.py."""

import hashlib
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from include import scratch
from include.contract import for_rules, reading
from include.driver import pods, shipping, statsd
from include.names import DRIVER
from include.settings import ROOT, SECRETS, Settings

RULES: Final = ROOT / "jobs" / "java"

OPTIMISES_LATE: Final = (
    "-XX:Tier4InvocationThreshold=100000",
    "-XX:Tier4MinInvocationThreshold=50000",
    "-XX:Tier4CompileThreshold=200000",
    "-XX:Tier4BackEdgeThreshold=800000",
)
"""Java's optimising compiler waits for ten to fifty times as many calls as by default."""
_START_OPTIONS: Final = (
    # A long error text once overflowed the stack of a query's thread, which then died silently.
    "-Xss8m",
    # A start with less CPU time: no collector competes with the compilers, none runs while heap and classes grow.
    "-XX:+UseParallelGC",
    "-XX:MetaspaceSize=256m",
    # Most startup code runs a few thousand times: the optimising compiler spent ten CPU seconds on it. Hot code of the
    # stream still reaches these counts within a second.
    *OPTIMISES_LATE,
    # Silently ignore a class archive that does not match.
    "-Xlog:cds=off",
    "-Xlog:cds+dynamic=off",
)


def class_archive(settings: Settings) -> Path:
    """Where include/stack/fetch/class_archive.py keeps the driver's classes."""
    return settings.parts / "driver.jsa"


def judge_jar(settings: Settings) -> Path:
    """Where include/stack/fetch/judge_jar.py puts the compiled rules with their contract; the name has a hash of both.

    Raises ContractError.
    """
    rules = [path.read_bytes() for path in sorted(RULES.rglob("[A-Z]*.java"))]
    rules.append(for_rules.properties(reading.of(settings)).encode())
    return settings.parts / f"judge-{hashlib.sha256(b''.join(rules)).hexdigest()[:12]}.jar"


def local_master(partitions: int) -> str:
    """The Spark master for one machine, given the number of partitions of the logs topic.

    A real-time query occupies one slot per partition while it runs; one more slot reads the users dimension.
    """
    return f"local[{partitions + 1}]"


def java_options(options: Iterable[str]) -> str:
    """JVM options as one string that Spark can split; each option may contain spaces."""
    return " ".join(f'"{option}"' if " " in option else option for option in options)


def is_local(master: str) -> bool:
    """Whether a Spark master stands for one machine, where the driver executes all tasks itself."""
    return master == "local" or master.startswith("local[")


def beside(master: str, partitions: int) -> str:
    """The master of a driver that runs beside its caller. On Kubernetes it is alone: pods may not reach it."""
    return local_master(partitions) if pods.is_kubernetes(master) else master


def variables(settings: Settings, present: Mapping[str, str], master: str) -> dict[str, str]:
    """The variables of spark-submit, made from those of this process. Raises ContractError.

    A driver keeps the contract that is in effect now. On a cluster there is no PYTHONPATH: Spark would look for modules
    there too, before those that were shipped.
    """
    if is_local(master):
        return {**present, "LOGSIEVE_CONTRACT": str(settings.contract_in_effect)}
    found = {name: value for name, value in present.items() if name != "PYTHONPATH"}
    found["LOGSIEVE_CONTRACT"] = str(shipping.contract_file(settings))
    return found | ({"KUBECONFIG": str(settings.kubeconfig)} if settings.kubeconfig else {})


def submit_conf(
    settings: Settings, application: str = DRIVER, master: str = "local", deploy_mode: str | None = None
) -> dict[str, str]:
    """The `--conf` pairs of the streaming application or of another, for a Spark master and a deploy mode.

    On a cluster it also writes what the application takes along (include/driver/shipping.py). Raises OSError, and
    ValueError if a setting does not work there.
    """
    return _where_it_runs(settings, application, master, deploy_mode) | statsd.conf(settings, application)


def _where_it_runs(settings: Settings, application: str, master: str, deploy_mode: str | None) -> dict[str, str]:
    if is_local(master):
        return _on_this_machine(settings, application) | {"spark.pyspark.python": sys.executable}
    if settings.mysql_ca:
        raise ValueError(
            "LOGSIEVE_MYSQL_CA does not work on a cluster, where executors read the users by JDBC: leave it out, or"
            " use a local master"
        )
    encrypted = {"spark.authenticate": "true", "spark.network.crypto.enabled": "true"}
    if pods.is_kubernetes(master):
        return encrypted | pods.conf(settings) | _in_the_cluster(settings, pods.logging_url())
    jars = [*sorted((settings.parts / "jars" / "spark").glob("*.jar")), judge_jar(settings)]
    shipped = shipping.conf(settings, jars)
    if not master.startswith("spark://"):  # a standalone cluster has a secret of its own: spark-defaults.conf
        # What driver and executors exchange contains logs and passwords. Spark makes the secret itself.
        shipped |= encrypted
    if deploy_mode != "cluster":
        return shipped | _on_this_machine(settings, application) | {"spark.pyspark.driver.python": sys.executable}
    return shipped | {
        **_in_the_cluster(settings, shipping.LOGGING.name),
        "spark.files": str(shipping.LOGGING),
        f"spark.yarn.appMasterEnv.{SECRETS}": shipping.SETTINGS,
        # YARN starts a driver that failed again. After so many tries within an hour it gives up, and Airflow retries.
        "spark.yarn.maxAppAttempts": "10",
        "spark.yarn.am.attemptFailuresValidityInterval": "1h",
        **({"spark.yarn.stagingDir": settings.staging} if settings.staging else {}),
    }


def _in_the_cluster(settings: Settings, logging: str) -> dict[str, str]:
    """The properties of a driver that runs on the cluster. `logging`: where its settings of logs are there."""
    options = [*_START_OPTIONS, f"-Dlog4j2.configurationFile={logging}", f"-Xms{settings.driver_memory}"]
    return {"spark.driver.memory": settings.driver_memory, "spark.driver.extraJavaOptions": java_options(options)}


def _on_this_machine(settings: Settings, application: str) -> dict[str, str]:
    """The properties of a driver that runs here."""
    own = scratch.folder(settings, application)
    options = [*_START_OPTIONS, f"-Xms{settings.driver_memory}", f"-Djava.io.tmpdir={own}"]
    # As a URL: log4j mistakes a path with certain characters for one.
    options.append(f"-Dlog4j2.configurationFile={shipping.LOGGING.as_uri()}")
    # One file that the next crash overwrites; by default Java puts the process id into the name.
    options.append(f"-XX:ErrorFile={settings.state / 'logs' / f'hs_err_{application}.log'}")
    if class_archive(settings).exists():
        options.append(f"-XX:SharedArchiveFile={class_archive(settings)}")
    return {
        "spark.driver.memory": settings.driver_memory,
        "spark.driver.extraJavaOptions": java_options(options),
        "spark.driver.extraClassPath": f"{settings.parts / 'jars' / 'spark' / '*'}:{judge_jar(settings)}",
        "spark.local.dir": str(own),
    }
