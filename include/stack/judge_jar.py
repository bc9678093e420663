"""The rules, which are Java (jobs/java), compiled to the jar that Spark takes them from. It takes no JDK."""

import hashlib
import os
import subprocess
import tempfile
import zipfile
from pathlib import Path

from include.settings import ROOT, Settings
from include.spark_conf import judge_jar
from include.stack import pyspark_home
from include.stack.errors import StackError

SOURCES = ROOT / "jobs" / "java"

_RELEASE = "17"
# What the sources import.
_NEEDED = ("spark-sql-api_*.jar", "spark-unsafe_*.jar")


def ensure(settings: Settings, jars: Path) -> None:
    """Compiles the sources, once for each state of them, and points `judge_jar` at what came of it.

    `jars`: as `parts.fetch_jars` gives them, with the compiler. Raises StackError with what the compiler says.
    """
    (compiler,) = (jars / "compiler").glob("*.jar")
    sources = sorted(SOURCES.rglob("*.java"))
    content = b"".join(path.read_bytes() for path in sources)
    jar = judge_jar(settings)
    made = jar.with_name(f"judge-{hashlib.sha256(compiler.name.encode() + content).hexdigest()[:12]}.jar")
    if not made.exists():
        _compile(compiler, sources, made)
    if not jar.exists() or jar.resolve() != made.resolve():
        link = jar.with_name(f"judge.{os.getpid()}")
        link.symlink_to(made.name)
        link.replace(jar)


def _compile(compiler: Path, sources: list[Path], made: Path) -> None:
    needed = os.pathsep.join(str(path) for name in _NEEDED for path in pyspark_home.jars().glob(name))
    with tempfile.TemporaryDirectory(dir=made.parent) as folder:
        classes, partial = Path(folder) / "classes", Path(folder) / made.name
        options = ["-source", _RELEASE, "-target", _RELEASE, "-nowarn", "-classpath", needed, "-d", str(classes)]
        command = ["java", "-jar", str(compiler), *options, *map(str, sources)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            raise StackError(f"The rules do not compile: {done.stdout}{done.stderr}", f"Mend them: {SOURCES}")
        with zipfile.ZipFile(partial, "w") as jar:
            for path in sorted(classes.rglob("*.class")):
                jar.write(path, path.relative_to(classes))
        partial.replace(made)
