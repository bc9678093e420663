"""An archive of the classes that the Spark driver loads (class-data sharing): its start needs a third less CPU time."""

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
    """Makes the archive where there is none of this Java, these jars and this memory; what is wrong when it cannot.

    The driver does without it then, and takes longer to start.
    """
    archive = class_archive(settings)
    made = archive.with_name(f"driver-{_made_of(settings, jars)}.jsa")
    if not made.exists():
        archive.unlink(missing_ok=True)  # or the rehearsal itself would use the old one
        wrong = _rehearse(settings, made)
        if wrong:
            return wrong
    if not archive.exists() or archive.resolve() != made.resolve():
        link = archive.with_name(f"driver.{os.getpid()}")
        link.symlink_to(made.name)
        link.replace(archive)
    return None


def _made_of(settings: Settings, jars: Path) -> str:
    """A hash of what Java asks about: it leaves an archive aside, without a word, whose jars lay elsewhere, or have
    another size or time by now, as after a new installation of the same PySpark."""
    files = [programs.java_home() / "bin" / "java", judge_jar(settings)]
    files += [*pyspark_home.jars().glob("*.jar"), *jars.resolve().glob("spark/*.jar")]
    seen = [(str(file), status.st_size, status.st_mtime_ns) for file in sorted(files) for status in [file.stat()]]
    return hashlib.sha256(repr((seen, settings.driver_memory)).encode()).hexdigest()[:12]


def _rehearse(settings: Settings, made: Path) -> str | None:
    partial = made.with_name(f"{made.name}.{os.getpid()}")
    conf = submit_conf(settings, "rehearsal")
    conf["spark.driver.extraJavaOptions"] += " " + java_options(
        [f"-XX:ArchiveClassesAtExit={partial}", "-Xlog:cds=off", "-Xlog:cds+dynamic=off"]
    )
    command = [str(Path(sys.executable).parent / "spark-submit"), "--master", "local[2]"]
    for key, value in conf.items():
        command += ["--conf", f"{key}={value}"]
    variables = programs.machine(settings.state, settings.scratch) | programs.python()
    command.append(str(ROOT / "jobs" / "rehearse.py"))
    try:
        done = subprocess.run(command, capture_output=True, text=True, env=variables, timeout=SECONDS)
        if done.returncode == 0 and partial.exists():
            partial.replace(made)
            return None
        lines = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
        return f"exit code {done.returncode}: {' '.join(lines[-2:])}"
    except subprocess.TimeoutExpired:
        return f"not done after {SECONDS} s"
    finally:
        partial.unlink(missing_ok=True)
