"""One command at a time, even if the holder of the lock is killed."""

import subprocess
import sys
from pathlib import Path

import pytest

from include.settings import ROOT
from include.stack.errors import StackError
from include.stack.machine import lock

pytestmark = pytest.mark.timeout(60)
"""A holder that receives no input waits indefinitely."""

HOLD = """
import sys
from pathlib import Path
from include.stack.machine import lock
with lock.held(Path(sys.argv[1]), "up", lambda process, what: print("waiting for", process, what, flush=True)):
    print("held", flush=True)
    sys.stdin.readline()
print("done", flush=True)
"""


class Holder:
    def __init__(self, file: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", HOLD, str(file)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def line(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline().strip()

    def release(self) -> None:
        assert self.process.stdin
        self.process.stdin.write("\n")
        self.process.stdin.flush()


def test_the_second_waits_and_learns_who_holds_the_lock(tmp_path: Path):
    file = tmp_path / "state" / "lock"
    first = Holder(file)
    assert first.line() == "held"
    second = Holder(file)
    assert second.line() == f"waiting for {first.process.pid} up"
    first.release()
    assert first.line() == "done"
    assert second.line() == "held"
    assert lock.holder(file) == (second.process.pid, "up"), "a new file, as the first holder removed its own"
    second.release()
    assert second.line() == "done"
    assert not file.parent.exists(), "an otherwise empty folder is removed"


def test_the_lock_of_a_killed_holder_is_free(tmp_path: Path):
    first = Holder(tmp_path / "lock")
    assert first.line() == "held"
    first.process.kill()
    first.process.wait()
    with lock.held(tmp_path / "lock", "down", lambda *_: pytest.fail("the lock is free")):
        assert lock.holder(tmp_path / "lock")[1] == "down"


def test_a_state_folder_that_cannot_be_created_is_reported_with_the_remedy(tmp_path: Path):
    (tmp_path / "file").touch()
    with (
        pytest.raises(StackError, match="cannot be written") as raised,
        lock.held(tmp_path / "file" / "lock", "up", print),
    ):
        pass
    assert "LOGSIEVE_STATE" in raised.value.remedy


def test_a_waiter_learns_of_each_new_holder(tmp_path: Path):
    first = Holder(tmp_path / "lock")
    assert first.line() == "held"
    others = [Holder(tmp_path / "lock"), Holder(tmp_path / "lock")]
    for other in others:
        assert other.line() == f"waiting for {first.process.pid} up"
    first.release()
    lines = [other.line() for other in others]
    faster, slower = others if lines[0] == "held" else others[::-1]
    assert sorted(lines) == ["held", f"waiting for {faster.process.pid} up"]
    faster.release()
    assert slower.line() == "held"
    slower.release()
    assert slower.line() == "done"
