"""Compiles the agent that opens a server's JMX (include/stack/servers/ShowMetrics.java). Requires no JDK."""

import subprocess
import tempfile
import zipfile
from pathlib import Path
from typing import Final

from include.settings import ROOT
from include.stack.errors import StackError

SOURCE: Final = ROOT / "include" / "stack" / "servers" / "ShowMetrics.java"
_MANIFEST: Final = f"Manifest-Version: 1.0\nPremain-Class: {SOURCE.stem}\n"


def write(jars: Path, target: Path) -> None:
    """Writes the agent's jar. `jars`: folder with those that were fetched. Raises StackError."""
    (compiler,) = (jars / "compiler").glob("*.jar")
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        command = ["java", "-jar", str(compiler), "-source", "17", "-target", "17", "-d", folder, str(SOURCE)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            raise StackError(f"{SOURCE.name} does not compile: {done.stdout}{done.stderr}", f"Fix it: {SOURCE}")
        partial = Path(folder) / target.name
        with zipfile.ZipFile(partial, "w") as jar:
            jar.writestr("META-INF/MANIFEST.MF", _MANIFEST)
            for path in sorted(Path(folder).glob("*.class")):
                jar.write(path, path.name)
        partial.replace(target)
