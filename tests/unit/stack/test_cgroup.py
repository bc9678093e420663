"""The memory left in a container, for both versions of Linux control groups."""

from pathlib import Path

import pytest

from include.stack.machine import cgroup

GIB = 2**30


def stage(root: Path, groups: str, files: dict[str, object]) -> None:
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/self/cgroup").write_text(groups)
    for name, value in files.items():
        path = root / "sys/fs/cgroup" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{value}\n")


def test_a_container_of_version_2_sees_its_limit_at_the_top(tmp_path: Path):
    files = {"memory.max": 4 * GIB, "memory.current": 3 * GIB, "memory.stat": f"anon 5\ninactive_file {GIB}"}
    stage(tmp_path, "0::/\n", files)
    assert cgroup.available(tmp_path) == 2 * GIB, "the page cache can be reclaimed"


def test_the_tightest_limit_of_the_ancestors_counts(tmp_path: Path):
    stage(
        tmp_path,
        "0::/user.slice/service\n",
        {
            "user.slice/service/memory.max": "max",
            "user.slice/service/memory.current": 1,
            "user.slice/memory.max": 2 * GIB,
            "user.slice/memory.current": GIB,
        },
    )
    assert cgroup.available(tmp_path) == GIB


@pytest.mark.parametrize("path", ["/", "/docker/abc"])
def test_version_1(tmp_path: Path, path: str):
    files = {"memory/memory.limit_in_bytes": 3 * GIB, "memory/memory.usage_in_bytes": GIB}
    stage(tmp_path, f"5:cpu,cpuacct:{path}\n4:memory:{path}\n0::/\n", files)
    assert cgroup.available(tmp_path) == 2 * GIB


@pytest.mark.parametrize("limit", ["max", str(2**63 - 4096)])
def test_no_limit_is_none(tmp_path: Path, limit: str):
    name = "memory.max" if limit == "max" else "memory/memory.limit_in_bytes"
    stage(tmp_path, "0::/\n1:memory:/\n", {name: limit, name.replace("max", "current"): 1})
    assert cgroup.available(tmp_path) is None
    assert cgroup.available(tmp_path / "no-linux") is None
