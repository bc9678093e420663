"""Down and up again: data is kept, and the stream continues at its position."""

import psutil

from include.stack.environment import STACK_VARIABLE
from tests.integration.stack import UP_SECONDS, Stack, check, wait_until_it_loads


def living(stack: Stack) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(STACK_VARIABLE) == str(stack.state):
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


def test_down_stops_everything_and_up_continues(stack: Stack) -> None:
    wait_until_it_loads(stack)
    since, before = stack.now(), stack.counts()
    stranger = psutil.Popen(["sleep", "300"])
    try:
        done = stack.run("down")
        assert done.returncode == 0, done.stderr
        assert living(stack) == []
        assert stranger.is_running(), "down stops only the stack's own processes"
    finally:
        stranger.kill()
        stranger.wait()

    assert stack.run("status").returncode == 1
    assert "Nothing was running" in stack.run("down").stdout

    done = stack.run("up", seconds=UP_SECONDS)
    assert done.returncode == 0, done.stdout + done.stderr
    after = stack.counts()
    assert all(after[status] >= before[status] for status in before), "data was kept"
    check(stack, since)
