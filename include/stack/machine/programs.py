"""Builds the environment of the stack's programs from scratch: the machine, Python and Java."""

import os
import pwd
import sys
from importlib.util import find_spec
from pathlib import Path

from include.settings import ROOT
from include.stack.errors import StackError
from include.stack.machine import java, shell

HOST = "127.0.0.1"


def machine(folder: Path, temporary: Path) -> dict[str, str]:
    """Variables for every program, without secrets. `folder`: its home; `temporary`: its temporary files."""
    home = java.home()
    places = [str(Path(sys.executable).parent), *([str(home / "bin")] if home else []), shell.SYSTEM_PATH]
    name = pwd.getpwuid(os.geteuid()).pw_name
    return {
        **shell.LANGUAGE,
        # The user's PATH comes last: it may contain other versions of `bash` or `nice`.
        "PATH": ":".join([*places, os.environ.get("PATH", "")]).rstrip(":"),
        "HOME": str(folder),
        "TMPDIR": str(temporary),
        "USER": name,
        "LOGNAME": name,
    }


def python() -> dict[str, str]:
    """Variables for our programs and Spark: one Python, one PySpark and one Java, whatever the shell sets."""
    spec = find_spec("pyspark")
    home = java.home()
    return {
        **shell.modules(ROOT),
        "PYTHONDONTWRITEBYTECODE": "",  # without bytecode Airflow starts three times slower
        "PYSPARK_PYTHON": sys.executable,
        "PYSPARK_DRIVER_PYTHON": sys.executable,
        **({"SPARK_HOME": str(Path(spec.origin).parent)} if spec and spec.origin else {}),
        **({"JAVA_HOME": str(home)} if home else {}),
        "SPARK_LOCAL_IP": HOST,
    }


def java_home() -> Path:
    """Folder of the Java that all programs run on. Raises StackError if there is none."""
    found = java.home()
    if found is None:
        raise StackError("Java is missing.", java.REMEDY)
    return found
