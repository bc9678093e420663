"""The class-data-sharing archive of the Spark driver, which cuts the CPU time of its start by a third."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

from include.driver.submit import class_archive, java_options, judge_jar, submit_conf
from include.settings import ROOT, Settings
from include.stack.fetch import pyspark_home
from include.stack.machine import programs

SECONDS = 400


def ensure(settings: Settings, jars: Path) -> str | None:
    """Builds the archive unless one exists for this Java, these jars and this memory. Returns the problem on failure.

    Without the archive the driver starts more slowly.
    """
    archive = class_archive(settings)
    target = archive.with_name(f"driver-{_fingerprint(settings, jars)}.jsa")
    if not target.exists():
        archive.unlink(missing_ok=True)  # otherwise the rehearsal would use the old one
        wrong = _rehearse(settings, target)
        if wrong:
            return wrong
    if not archive.exists() or archive.resolve() != target.resolve():
        link = archive.with_name(f"driver.{os.getpid()}")
        link.symlink_to(target.name)
        link.replace(archive)
    return None


def _fingerprint(settings: Settings, jars: Path) -> str:
    """A hash of everything that Java validates. It silently ignores an archive if a jar's path, size or time differs,
    for example after a reinstallation of the same PySpark."""
    files = [programs.java_home() / "bin" / "java", judge_jar(settings)]
    files += [*pyspark_home.jars().glob("*.jar"), *jars.resolve().glob("spark/*.jar")]
    seen = [(str(file), status.st_size, status.st_mtime_ns) for file in sorted(files) for status in [file.stat()]]
    return hashlib.sha256(repr((seen, settings.driver_memory)).encode()).hexdigest()[:12]


def variables(settings: Settings) -> dict[str, str]:
    """The environment of the rehearsal: that of a driver, without addresses and secrets."""
    named = ("state", "parts", "contract")
    folders = {f"LOGSIEVE_{name.upper()}": str(getattr(settings, name)) for name in named}
    return programs.machine(settings.state, settings.scratch) | programs.python() | folders


def _rehearse(settings: Settings, target: Path) -> str | None:
    partial = target.with_name(f"{target.name}.{os.getpid()}")
    conf = submit_conf(settings.model_copy(update={"metrics_statsd": ""}), "rehearsal")
    conf["spark.driver.extraJavaOptions"] += " " + java_options(
        [f"-XX:ArchiveClassesAtExit={partial}", "-Xlog:cds=off", "-Xlog:cds+dynamic=off"]
    )
    command = [str(Path(sys.executable).parent / "spark-submit"), "--master", "local[2]"]
    for key, value in conf.items():
        command += ["--conf", f"{key}={value}"]
    command.append(str(ROOT / "jobs" / "rehearse.py"))
    try:
        done = subprocess.run(command, capture_output=True, text=True, env=variables(settings), timeout=SECONDS)
        if done.returncode == 0 and partial.exists():
            partial.replace(target)
            return None
        # Spark's log goes to stderr, and a traceback of Python to stdout.
        lines = [line for line in (done.stderr + done.stdout).splitlines() if line.strip()]
        return f"exit code {done.returncode}: {' '.join(lines[-1:])}"
    except subprocess.TimeoutExpired:
        return f"not finished within {SECONDS} s"
    finally:
        partial.unlink(missing_ok=True)
