"""What has to be told to spark-submit before the driver's JVM is there. Everything else is set in jobs/session.py."""

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
    # A long error text once overflowed the stack of a query's thread, which then ended without a word.
    "-Xss8m",
    # As a URL: log4j takes a path with some letters for one.
    f"-Dlog4j2.configurationFile={(ROOT / 'jobs' / 'log4j2.properties').as_uri()}",
    # For a start in fewer CPU seconds: no collector beside the compilers, no collections while heap and classes grow.
    "-XX:+UseParallelGC",
    "-XX:MetaspaceSize=256m",
    # Most of what runs at start runs a few thousand times: the optimising compiler spent ten CPU seconds on it. What is
    # hot in a stream reaches these counts within a second all the same.
    "-XX:Tier4InvocationThreshold=100000",
    "-XX:Tier4MinInvocationThreshold=50000",
    "-XX:Tier4CompileThreshold=200000",
    "-XX:Tier4BackEdgeThreshold=800000",
    # A class archive that does not fit is left aside without a word.
    "-Xlog:cds=off",
    "-Xlog:cds+dynamic=off",
)


def class_archive(settings: Settings) -> Path:
    """Where include/stack/fetch/class_archive.py keeps the driver's classes."""
    return settings.parts / "driver.jsa"


def judge_jar(settings: Settings) -> Path:
    """Where include/stack/fetch/judge_jar.py puts the compiled rules: named by their source."""
    rules = b"".join(path.read_bytes() for path in sorted(RULES.rglob("[A-Z]*.java")))
    return settings.parts / f"judge-{hashlib.sha256(rules).hexdigest()[:12]}.jar"


def local_master(partitions: int) -> str:
    """The master for one machine, given how many partitions the logs have.

    A real-time query holds a slot per partition for as long as it runs, so `local[n]` counts those, and one that reads
    the users dimension.
    """
    return f"local[{partitions + 1}]"


def java_options(options: Iterable[str]) -> str:
    """Options for a JVM in one text as Spark takes it apart; each may have spaces."""
    return " ".join(f'"{option}"' if " " in option else option for option in options)


def submit_conf(settings: Settings, application: str = DRIVER) -> dict[str, str]:
    """The `--conf` pairs of the streaming application, or of another one; the master is the Spark connection's."""
    own = scratch.folder(settings, application)
    options = [*_JAVA_OPTIONS, f"-Xms{settings.driver_memory}", f"-Djava.io.tmpdir={own}"]
    # One file, which the next crash writes anew; Java's own have the process in their name.
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
