"""The memory limit of a container or systemd service, which may be far below the memory of the machine."""

from contextlib import suppress
from pathlib import Path
from typing import Final

_UNLIMITED: Final = 1 << 60
"""cgroup v1 reports no limit as a number near 2**63."""


def available(root: Path = Path("/")) -> int | None:
    """Bytes left below the tightest limit of this process's groups; None if there is no limit."""
    found = [left for folder in _groups(root) if (left := _left(folder)) is not None]
    return min(found, default=None)


def _groups(root: Path) -> list[Path]:
    """The folders of all groups of this process and of their ancestors, for cgroup v1 and v2."""
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
        group = top / path.lstrip("/")  # a container may see its own group as the top instead
        folders += [top, *(each for each in (group, *group.parents) if each.is_relative_to(top) and each != top)]
    return folders


def _left(folder: Path) -> int | None:
    for limit, used, cache in (
        ("memory.max", "memory.current", "inactive_file"),
        ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
    ):
        with suppress(OSError, ValueError):  # "max" is not a number
            most = int((folder / limit).read_text())
            if most < _UNLIMITED:
                return max(most - int((folder / used).read_text()) + _reclaimable(folder, cache), 0)
    return None


def _reclaimable(folder: Path, name: str) -> int:
    """Bytes of the page cache that count as used, but are freed under memory pressure."""
    with suppress(OSError):
        for line in (folder / "memory.stat").read_text().splitlines():
            if line.startswith(f"{name} "):
                return int(line.split()[1])
    return 0
