"""The SHA-256 of every JVM part: what was tested, and nothing else, is what runs.

Ivy verifies checksums too, but they come from the same server as the parts.
"""

import hashlib
from pathlib import Path
from typing import Final

from include.stack.errors import StackError

FILE: Final = Path(__file__).with_name("jars.sha256")
"""A line for each part: its hash, and its path `configuration/name`. `sha256sum --check` reads it too."""


def of(folder: Path) -> dict[str, str]:
    """The hash of each part in the folder, by its path there."""
    found = sorted(path for path in folder.glob("*/*") if path.is_file())
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in found}


def check(folder: Path) -> None:
    """Raises StackError if the folder is empty, or a part is not as it was tested."""
    tested = {path: digest for digest, path in (line.split("  ", 1) for line in FILE.read_text().splitlines())}
    parts = of(folder)
    wrong = [path for path, digest in parts.items() if tested.get(path) != digest]
    if wrong or not parts:
        raise StackError(
            f"These JVM parts differ from the tested ones: {', '.join(wrong) or 'all are missing'}.",
            "Somebody may have changed them on the way. Check the mirror or the proxy; after you have changed ivy.xml"
            " yourself, run ./logsieve lock.",
        )


def write(*folders: Path) -> None:
    """Makes the parts in the folders the tested ones."""
    FILE.write_text("".join(f"{digest}  {path}\n" for folder in folders for path, digest in of(folder).items()))
