"""The Java that everything here runs on: that of the `java` which the PATH has first. Standard library only."""

import os
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Final

OLDEST: Final = 17
REMEDY: Final = (
    "Install Java 17 or newer (Debian, Ubuntu: apt-get install openjdk-17-jre-headless), put `java` on the PATH."
)


@cache
def home(path: str | None = None) -> Path | None:
    """Its folder (JAVA_HOME), by the PATH or by another one; None where there is no `java` that starts."""
    found = shutil.which("java", path=path)
    if not found:
        return None
    folder = Path(os.path.realpath(found)).parent.parent
    if (folder / "lib" / "modules").exists() and (folder / "bin" / "java").exists():
        return folder
    told = re.search(r"^\s*java\.home = (.+)$", _ask(found), re.MULTILINE)  # a script that leads to one
    return Path(told[1]) if told else None


def version(path: str | None = None) -> str:
    """As it tells it itself, such as 17.0.15; empty where it does not start."""
    folder = home(path)
    told = re.search(r"^\s*java\.version = (.+)$", _ask(str(folder / "bin" / "java")), re.MULTILINE) if folder else None
    return told[1].strip() if told else ""


def is_too_old(told: str) -> bool:
    """Whether a version is none, or one from before OLDEST; of old ones the second number counts (1.8.0)."""
    numbers = re.findall(r"\d+", told)
    return not numbers or int(numbers[0]) < OLDEST


def _ask(program: str) -> str:
    done = subprocess.run(
        [program, "-XshowSettings:properties", "-version"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    return done.stdout.decode(errors="replace")
