"""Compiles our Java with the compiler that `up` fetches. Requires no JDK."""

import subprocess
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

_RELEASE: Final = "17"


def find(jars: Path) -> Path | None:
    """The compiler among the jars that were fetched, if it was."""
    return next((jars / "compiler").glob("*.jar"), None)


def compile_to(classes: Path, source: Path, compiler: Path, *options: str) -> str:
    """Compiles a file, or all files of a folder. Returns what the compiler objects to, "" if the classes are there."""
    command = ["java", "-jar", str(compiler), "-source", _RELEASE, "-target", _RELEASE, "-d", str(classes)]
    done = subprocess.run([*command, *options, str(source)], capture_output=True, text=True)
    return "" if done.returncode == 0 else f"{done.stdout}{done.stderr}"


def pack(jar: Path, classes: Path, texts: Mapping[str, str]) -> None:
    """Writes the jar with these classes, and with these texts by their names in it."""
    with zipfile.ZipFile(jar, "w") as file:
        for name, text in texts.items():
            file.writestr(name, text)
        for path in sorted(classes.rglob("*.class")):
            file.write(path, path.relative_to(classes))
