"""How much memory a container, or a service of systemd, leaves to what runs in it: the machine may have far more."""

from contextlib import suppress
from pathlib import Path
from typing import Final

_UNLIMITED: Final = 1 << 60
"""Version 1 says "none" by a number near 2 to the 63rd."""


def available(root: Path = Path("/")) -> int | None:
    """Bytes that may still be used below the tightest limit of this process's groups; None where there is none."""
    found = [left for folder in _groups(root) if (left := _left(folder)) is not None]
    return min(found, default=None)


def _groups(root: Path) -> list[Path]:
    """The folder of each group that this process is in, and of all above it, of either version."""
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return []
    folders = []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and "memory" not in controllers.split(","):
            continue
        top = root / "sys/fs/cgroup" / ("memory" if controllers else "")
        group = top / path.lstrip("/")  # a container may not see itself by that path, but as the top
        folders += [top, *(each for each in (group, *group.parents) if each.is_relative_to(top) and each != top)]
    return folders


def _left(folder: Path) -> int | None:
    for limit, used, cache in (
        ("memory.max", "memory.current", "inactive_file"),
        ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
    ):
        with suppress(OSError, ValueError):  # "max" is no number
            most = int((folder / limit).read_text())
            if most < _UNLIMITED:
                return max(most - int((folder / used).read_text()) + _reclaimable(folder, cache), 0)
    return None


def _reclaimable(folder: Path, name: str) -> int:
    """Files that were read once count as used, until somebody needs the memory."""
    with suppress(OSError):
        for line in (folder / "memory.stat").read_text().splitlines():
            if line.startswith(f"{name} "):
                return int(line.split()[1])
    return 0
