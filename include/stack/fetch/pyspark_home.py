"""What `up` changes in PySpark as it was installed, once, so that every start of a driver is cheaper."""

import compileall
import re
import tempfile
import zipfile
from importlib.resources import files
from pathlib import Path
from py_compile import PycInvalidationMode

_UNUSED = "spark-mllib_*.jar"


def jars() -> Path:
    """Folder of Spark's own jars."""
    return _home() / "jars"


def prepare() -> None:
    """Adds bytecode to PySpark's zips, and removes MLlib."""
    for archive in (_home() / "python" / "lib").glob("*.zip"):
        _compile(archive)
    # It registers functions by reflection in each session that begins; nothing here uses them.
    for jar in jars().glob(_UNUSED):
        jar.unlink()


def _compile(archive: Path) -> None:
    """zipimport keeps no bytecode by itself: the driver and every worker would compile PySpark at each start."""
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
