"""Compiles the agent that opens a server's JMX (include/stack/servers/ShowMetrics.java)."""

import tempfile
from pathlib import Path
from typing import Final

from include.settings import ROOT
from include.stack.errors import StackError
from include.stack.fetch import java_compiler

SOURCE: Final = ROOT / "include" / "stack" / "servers" / "ShowMetrics.java"
_MANIFEST: Final = f"Manifest-Version: 1.0\nPremain-Class: {SOURCE.stem}\n"


def write(jars: Path, target: Path) -> None:
    """Writes the agent's jar. `jars`: folder with those that were fetched. Raises StackError."""
    compiler = java_compiler.find(jars)
    if compiler is None:
        raise StackError("The Java compiler was not fetched yet.", "Run ./logsieve down, then ./logsieve up")
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        classes, partial = Path(folder) / "classes", Path(folder) / target.name
        if wrong := java_compiler.compile_to(classes, SOURCE, compiler):
            raise StackError(f"{SOURCE.name} does not compile: {wrong}", f"Fix it: {SOURCE}")
        java_compiler.pack(partial, classes, {"META-INF/MANIFEST.MF": _MANIFEST})
        partial.replace(target)
