"""Settings that spark-submit needs before the driver's JVM starts. Everything else is set in jobs/session.py."""

import hashlib
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from include import scratch
from include.names import DRIVER
from include.settings import ROOT, Settings

RULES: Final = ROOT / "jobs" / "java"

_JAVA_OPTIONS: Final = (
    # A long error text once overflowed the stack of a query's thread, which then died silently.
    "-Xss8m",
    # As a URL: log4j mistakes a path with certain characters for one.
    f"-Dlog4j2.configurationFile={(ROOT / 'jobs' / 'log4j2.properties').as_uri()}",
    # A start with less CPU time: no collector competes with the compilers, none runs while heap and classes grow.
    "-XX:+UseParallelGC",
    "-XX:MetaspaceSize=256m",
    # Most startup code runs a few thousand times: the optimising compiler spent ten CPU seconds on it. Hot code of the
    # stream still reaches these counts within a second.
    "-XX:Tier4InvocationThreshold=100000",
    "-XX:Tier4MinInvocationThreshold=50000",
    "-XX:Tier4CompileThreshold=200000",
    "-XX:Tier4BackEdgeThreshold=800000",
    # Silently ignore a class archive that does not match.
    "-Xlog:cds=off",
    "-Xlog:cds+dynamic=off",
)


def class_archive(settings: Settings) -> Path:
    """Where include/stack/fetch/class_archive.py keeps the driver's classes."""
    return settings.parts / "driver.jsa"


def judge_jar(settings: Settings) -> Path:
    """Where include/stack/fetch/judge_jar.py puts the compiled rules; the name has a hash of their source."""
    rules = b"".join(path.read_bytes() for path in sorted(RULES.rglob("[A-Z]*.java")))
    return settings.parts / f"judge-{hashlib.sha256(rules).hexdigest()[:12]}.jar"


def local_master(partitions: int) -> str:
    """The Spark master for one machine, given the number of partitions of the logs topic.

    A real-time query occupies one slot per partition while it runs; one more slot reads the users dimension.
    """
    return f"local[{partitions + 1}]"


def java_options(options: Iterable[str]) -> str:
    """JVM options as one string that Spark can split; each option may contain spaces."""
    return " ".join(f'"{option}"' if " " in option else option for option in options)


def submit_conf(settings: Settings, application: str = DRIVER) -> dict[str, str]:
    """The `--conf` pairs of the streaming application or of another; the master comes from the Spark connection."""
    own = scratch.folder(settings, application)
    options = [*_JAVA_OPTIONS, f"-Xms{settings.driver_memory}", f"-Djava.io.tmpdir={own}"]
    # One file that the next crash overwrites; by default Java puts the process id into the name.
    options.append(f"-XX:ErrorFile={settings.state / 'logs' / f'hs_err_{application}.log'}")
    if class_archive(settings).exists():
        options.append(f"-XX:SharedArchiveFile={class_archive(settings)}")
    return {
        "spark.driver.memory": settings.driver_memory,
        "spark.driver.extraJavaOptions": java_options(options),
        "spark.driver.extraClassPath": f"{settings.parts / 'jars' / 'spark' / '*'}:{judge_jar(settings)}",
        "spark.pyspark.python": sys.executable,
        "spark.local.dir": str(own),
    }
