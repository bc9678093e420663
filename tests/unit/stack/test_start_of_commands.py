"""Every command starts without the libraries that only some of them need."""

import subprocess
import sys

from include.settings import ROOT

HEAVY = {"airflow", "elasticsearch", "jsonschema", "mysql", "numpy", "orjson", "pyarrow", "pyspark"}


def test_a_command_loads_no_library_that_only_others_need() -> None:
    script = f"import sys, include.stack.commands.cli; print(sorted({HEAVY!r} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
