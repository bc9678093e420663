"""Prometheus and promtool, for the tests of the metrics: those of the machine, or the distribution's package."""

import shutil
from pathlib import Path

from include.stack.fetch import packages, parts


def find(folder: Path) -> Path:
    """The folder with the programs `prometheus` and `promtool`, fetched into `folder` if necessary.

    Raises PackageError.
    """
    own = shutil.which("prometheus")
    if own and shutil.which("promtool"):
        return Path(own).parent
    home = folder / "prometheus"
    if not home.exists():
        with parts.whole(home) as unpacked:
            packages.unpack(unpacked, "prometheus")
    return home / "usr" / "bin"
