"""Changes that `up` makes once to the installed PySpark, so that drivers start faster."""

import compileall
import re
import tempfile
import zipfile
from importlib.resources import files
from pathlib import Path
from py_compile import PycInvalidationMode

_UNUSED = "spark-mllib_*.jar"


def jars() -> Path:
    """Folder of the jars in PySpark."""
    return _home() / "jars"


def prepare() -> None:
    """Adds bytecode to PySpark's zips and removes MLlib."""
    for archive in (_home() / "python" / "lib").glob("*.zip"):
        _compile(archive)
    # MLlib registers functions by reflection in each new session; nothing here uses them.
    for jar in jars().glob(_UNUSED):
        jar.unlink()


def _compile(archive: Path) -> None:
    """Adds bytecode, which zipimport never stores: the driver and all workers would compile PySpark at each start."""
    with zipfile.ZipFile(archive) as content:
        if any(name.endswith(".pyc") for name in content.namelist()):
            return
        with tempfile.TemporaryDirectory(dir=archive.parent) as folder:
            content.extractall(folder)
            unchecked = PycInvalidationMode.UNCHECKED_HASH
            skip = re.compile(r"[/\\]tests[/\\]")
            compileall.compile_dir(folder, quiet=2, legacy=True, rx=skip, workers=0, invalidation_mode=unchecked)
            partial = archive.with_suffix(".partial")
            with zipfile.ZipFile(partial, "w") as compiled:
                for path in sorted(Path(folder).rglob("*")):
                    compiled.write(path, path.relative_to(folder))
    partial.replace(archive)


def _home() -> Path:
    return Path(str(files("pyspark")))
