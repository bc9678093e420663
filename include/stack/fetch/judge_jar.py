"""Compiles the rules, which are written in Java (jobs/java), to a jar for Spark, with the contract. Requires no JDK."""

import os
import subprocess
import tempfile
from pathlib import Path

from include.contract import for_rules, reading
from include.contract.model import Contract
from include.driver.submit import RULES, judge_jar
from include.settings import Settings
from include.stack.errors import StackError
from include.stack.fetch import java_compiler, parts, pyspark_home

# All but those on style, on the Java that happens to run the compiler, and on the serialization of UDFs.
_WARNINGS = "all,-boxing,-deprecation,-nls,-paramAssign,-removal,-serial,-unqualifiedField,-unusedExceptionParam"
# The jars with the classes that the rules import.
_NEEDED = ("spark-sql-api_*.jar", "spark-unsafe_*.jar", "re2j-*.jar")


def fetch_and_ensure(settings: Settings) -> Path:
    """The same where no `up` has fetched the compiler, as with own servers. Raises StackError."""
    if not (settings.parts / "jars").exists():
        parts.fetch_jars(settings.parts, "spark", "compiler")
    return ensure(settings)


def check_own_rules(contract: Contract) -> None:
    """Raises StackError if a rule names a class that does not exist."""
    for rule in contract.of_own_rules:
        if not (file := RULES / "own" / f"{rule.java}.java").exists():
            raise StackError(
                f"The rule {rule.name} names the class {rule.java}, which does not exist.", f"Write {file}"
            )


def ensure(settings: Settings) -> Path:
    """The jar of the current rules; compiles it if it does not exist yet.

    Raises StackError with the compiler's errors and warnings, if the compiler has not been fetched, or if a class that
    the contract names does not exist or cannot be loaded.
    """
    contract = reading.of(settings)
    check_own_rules(contract)
    target = judge_jar(settings)
    if target.exists():
        return target
    compiler = java_compiler.find(settings.parts / "jars")
    if compiler is None:
        raise StackError("The compiler for the rules was not fetched yet.", "Run ./logsieve down, then ./logsieve up")
    found = [*pyspark_home.jars().glob("*.jar"), *(settings.parts / "jars" / "spark").glob("*.jar")]
    needed = os.pathsep.join(str(path) for name in _NEEDED for path in found if path.match(name))
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        classes, partial = Path(folder) / "classes", Path(folder) / target.name
        strictly = [f"-warn:{_WARNINGS}", "-failOnWarning", "-classpath", needed]
        _compile(classes, RULES / "logsieve", compiler, *strictly)
        if contract.of_own_rules:
            _compile(classes, RULES / "own", compiler, "-nowarn", "-classpath", os.pathsep.join([str(classes), needed]))
        java_compiler.pack(partial, classes, {for_rules.NAME: for_rules.properties(contract)})
        _try_out(partial, needed)
        if judge_jar(settings) != target:  # the rules changed during compilation, so these classes may be inconsistent
            return ensure(settings)
        partial.replace(target)
    return target


def _compile(classes: Path, folder: Path, compiler: Path, *options: str) -> None:
    if wrong := java_compiler.compile_to(classes, folder, compiler, *options):
        raise StackError(f"The rules do not compile: {wrong}", f"Fix them: {folder}")


def _try_out(jar: Path, needed: str) -> None:
    command = ["java", "-XX:TieredStopAtLevel=1", "-cp", os.pathsep.join([str(jar), needed]), "logsieve.Contract"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        cause = [line for line in done.stderr.splitlines() if line.startswith(("Caused by", "Exception"))]
        raise StackError(f"The rules cannot be loaded: {'; '.join(cause) or done.stderr}", f"Mend them: {RULES}")
