"""The environment of the stack's programs, made from nothing: what they need of this machine, of Python and Java."""

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
    """For every program: no secret is in it. Its own folder, where it may write, and one for what it throws away."""
    home = java.home()
    places = [str(Path(sys.executable).parent), *([str(home / "bin")] if home else []), shell.SYSTEM_PATH]
    name = pwd.getpwuid(os.geteuid()).pw_name
    return {
        **shell.LANGUAGE,
        # The user's own come last: their `bash` or `nice` are for the user.
        "PATH": ":".join([*places, os.environ.get("PATH", "")]).rstrip(":"),
        "HOME": str(folder),
        "TMPDIR": str(temporary),
        "USER": name,
        "LOGNAME": name,
    }


def python() -> dict[str, str]:
    """For those of ours, and Spark's: one Python, one PySpark, one Java, whatever a shell says of others."""
    spec = find_spec("pyspark")
    home = java.home()
    return {
        "PYTHONPATH": str(ROOT),
        "PYTHONDONTWRITEBYTECODE": "",  # every start of Airflow would compile it anew: three times slower
        "PYSPARK_PYTHON": sys.executable,
        "PYSPARK_DRIVER_PYTHON": sys.executable,
        **({"SPARK_HOME": str(Path(spec.origin).parent)} if spec and spec.origin else {}),
        **({"JAVA_HOME": str(home)} if home else {}),
        "SPARK_LOCAL_IP": HOST,
    }


def java_home() -> Path:
    """The folder of the Java that all run on. Raises StackError where there is none."""
    found = java.home()
    if found is None:
        raise StackError("Java is missing.", java.REMEDY)
    return found
