"""Finds the Java that everything runs on: the first `java` on the PATH. Standard library only."""

import os
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Final

OLDEST: Final = 17
REMEDY: Final = (
    "Install Java 17 or newer (Debian, Ubuntu: apt-get install openjdk-17-jre-headless) and put `java` on the PATH."
)


@cache
def home(path: str | None = None) -> Path | None:
    """Folder of Java (JAVA_HOME), from `path` or the PATH; None if no `java` starts."""
    found = shutil.which("java", path=path)
    if not found:
        return None
    folder = Path(os.path.realpath(found)).parent.parent
    if (folder / "lib" / "modules").exists() and (folder / "bin" / "java").exists():
        return folder
    line = re.search(r"^\s*java\.home = (.+)$", _ask(found), re.MULTILINE)  # `java` may be a wrapper script
    return Path(line[1]) if line else None


def version(path: str | None = None) -> str:
    """Version that Java reports, such as 17.0.15; empty if it does not start."""
    folder = home(path)
    line = re.search(r"^\s*java\.version = (.+)$", _ask(str(folder / "bin" / "java")), re.MULTILINE) if folder else None
    return line[1].strip() if line else ""


def is_too_old(reported: str) -> bool:
    """Whether a version is empty or older than OLDEST. Versions such as 1.8.0 also count as older."""
    numbers = re.findall(r"\d+", reported)
    return not numbers or int(numbers[0]) < OLDEST


def _ask(program: str) -> str:
    done = subprocess.run(
        [program, "-XshowSettings:properties", "-version"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    return done.stdout.decode(errors="replace")
