"""The rules, which are Java (jobs/java), compiled to the jar that Spark takes them from. It takes no JDK."""

import os
import subprocess
import tempfile
import zipfile
from pathlib import Path

from include.driver.submit import RULES, judge_jar
from include.settings import Settings
from include.stack.errors import StackError
from include.stack.fetch import pyspark_home

_RELEASE = "17"
# What they import.
_NEEDED = ("spark-sql-api_*.jar", "spark-unsafe_*.jar")


def ensure(settings: Settings) -> Path:
    """The jar of the rules as they are now, compiled where it is not there, by the compiler that was fetched.

    Raises StackError with what the compiler says, or when there is none.
    """
    made = judge_jar(settings)
    if made.exists():
        return made
    compiler = next((settings.parts / "jars" / "compiler").glob("*.jar"), None)
    if compiler is None:
        raise StackError("The compiler of the rules was not fetched yet.", "./logsieve down, then ./logsieve up")
    needed = os.pathsep.join(str(path) for name in _NEEDED for path in pyspark_home.jars().glob(name))
    with tempfile.TemporaryDirectory(dir=made.parent) as folder:
        classes, partial = Path(folder) / "classes", Path(folder) / made.name
        options = ["-source", _RELEASE, "-target", _RELEASE, "-nowarn", "-classpath", needed, "-d", str(classes)]
        command = ["java", "-jar", str(compiler), *options, str(RULES)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            raise StackError(f"The rules do not compile: {done.stdout}{done.stderr}", f"Mend them: {RULES}")
        with zipfile.ZipFile(partial, "w") as jar:
            for path in sorted(classes.rglob("*.class")):
                jar.write(path, path.relative_to(classes))
        if judge_jar(settings) != made:  # they were changed meanwhile, so these classes are of neither
            return ensure(settings)
        partial.replace(made)
    return made
