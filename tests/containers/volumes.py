"""Volumes that are so small that a test can fill them."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from tests.containers.engine import Engine

MIB: Final = {"kafka": 600, "mysql": 1200}
"""Their sizes, with room for what the tests send."""


@contextmanager
def small(engine: Engine, project: str, folder: Path) -> Iterator[bool]:
    """Makes the volumes before Compose does; yields False where only root could, and the volumes are as usual."""
    if os.geteuid() != 0 or not all(map(shutil.which, ("mkfs.ext4", "losetup"))):
        yield False
        return
    with ExitStack() as held:
        for name, mib in MIB.items():
            file = folder / f"{name}.img"
            with file.open("wb") as image:
                image.truncate(mib * 2**20)
            _run("mkfs.ext4", "-q", "-F", str(file))
            device = _run("losetup", "--find", "--show", str(file))
            held.callback(_run, "losetup", "--detach", device)
            _empty(device)
            options = ["--driver", "local", "--opt", "type=ext4", "--opt", f"device={device}"]
            engine.docker("volume", "create", *options, f"{project}_{name}")
        yield True


def _empty(device: str) -> None:
    """Removes the folder of a new file system: an engine fills only an empty volume, with the right owner."""
    with tempfile.TemporaryDirectory() as mounted:
        _run("mount", device, mounted)
        (Path(mounted) / "lost+found").rmdir()
        _run("umount", mounted)


def _run(*words: str) -> str:
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip()
