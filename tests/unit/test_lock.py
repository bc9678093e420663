"""One command at a time, whatever becomes of the one that holds the lock."""

import subprocess
import sys
from pathlib import Path

import pytest

from include.settings import ROOT
from include.stack.errors import StackError
from include.stack.machine import lock

pytestmark = pytest.mark.timeout(60)
"""A holder that is never told of waits for ever."""

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

    def says(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline().strip()

    def go_on(self) -> None:
        assert self.process.stdin
        self.process.stdin.write("\n")
        self.process.stdin.flush()


def test_the_second_waits_and_is_told_for_whom(tmp_path: Path):
    file = tmp_path / "state" / "lock"
    first = Holder(file)
    assert first.says() == "held"
    second = Holder(file)
    assert second.says() == f"waiting for {first.process.pid} up"
    first.go_on()
    assert first.says() == "done"
    assert second.says() == "held"
    assert lock.holder(file) == (second.process.pid, "up"), "a file of its own, as the first took its one away"
    second.go_on()
    assert second.says() == "done"
    assert not file.parent.exists(), "nothing is left where nothing else was made"


def test_a_holder_that_was_killed_holds_nothing(tmp_path: Path):
    first = Holder(tmp_path / "lock")
    assert first.says() == "held"
    first.process.kill()
    first.process.wait()
    with lock.held(tmp_path / "lock", "down", lambda *_: pytest.fail("nobody holds it")):
        assert lock.holder(tmp_path / "lock")[1] == "down"


def test_a_state_that_cannot_be_made_is_named_with_the_remedy(tmp_path: Path):
    (tmp_path / "file").touch()
    with (
        pytest.raises(StackError, match="cannot be written") as raised,
        lock.held(tmp_path / "file" / "lock", "up", print),
    ):
        pass
    assert "LOGSIEVE_STATE" in raised.value.remedy


def test_who_waits_is_told_of_each_that_was_faster(tmp_path: Path):
    first = Holder(tmp_path / "lock")
    assert first.says() == "held"
    others = [Holder(tmp_path / "lock"), Holder(tmp_path / "lock")]
    for other in others:
        assert other.says() == f"waiting for {first.process.pid} up"
    first.go_on()
    said = [other.says() for other in others]
    faster, slower = others if said[0] == "held" else others[::-1]
    assert sorted(said) == ["held", f"waiting for {faster.process.pid} up"]
    faster.go_on()
    assert slower.says() == "held"
    slower.go_on()
    assert slower.says() == "done"
