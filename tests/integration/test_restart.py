"""Down and up again: data is kept, and the stream continues at its position."""

import psutil

from include.names import TABLES
from include.stack.environment import STACK_VARIABLE
from tests.integration.stack import UP_SECONDS, Stack, until


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
    stranger = psutil.Popen(["sleep", "300"])
    try:
        before = stack.counts()
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
    sent = set()
    for message in stack.messages("server-logs"):
        sent.add((message.partition, message.offset))

    def origins() -> list[tuple[int, int]]:
        query = " UNION ALL ".join(f"SELECT kafka_partition, kafka_offset FROM logs.{t}" for t in TABLES.values())
        return stack.root_sql(query)  # type: ignore[return-value]

    until(lambda: sent <= set(origins()), 120, "every log sent before and after the restart is in a table")
    found = origins()
    assert len(found) == len(set(found)), "no log is in two tables"
