"""Two drivers: a manual one takes over the lease and Airflow's exits; when the manual one exits, Airflow's restarts."""

from pathlib import Path

import psutil

from tests.integration.stack import EPOCH, Stack, drivers, last_run, prove, until, wait_until_it_loads
from tests.integration.test_start_of_driver import start_manually


def test_the_driver_that_takes_over_continues_alone_and_nothing_is_doubled(stack: Stack, tmp_path: Path) -> None:
    wait_until_it_loads(stack)
    since = stack.now()
    (first,) = drivers(stack)
    (epoch,) = stack.root_sql(EPOCH)[0]
    run = last_run(stack)["dag_run_id"]
    log = tmp_path / "second.log"
    second = start_manually(stack, log, "--take-over")
    try:
        until(lambda: stack.root_sql(EPOCH)[0][0] > epoch, 90, "the second driver has the lease")
        until(lambda: not first.is_running(), 30, "the first has exited")
        tries = stack.state / "logs" / "airflow" / "dag_id=classify_logs" / f"run_id={run}"
        until(lambda: has_logged(tries, "another driver took over"), 10, "Airflow's log has the reason")
        until(lambda: has_logged(tries, "retried until that driver has ended"), 30, "Airflow's next try waits")
        wait_until_it_loads(stack)
        assert [driver.pid for driver in drivers(stack)] == [second.pid]
        python_of(second.pid).terminate()
        assert second.wait(timeout=60) == 0, log.read_text()[-3000:]
    finally:
        second.kill()  # no effect if it has exited cleanly

    until(lambda: stack.root_sql(EPOCH)[0][0] > epoch + 1, 90, "Airflow's driver runs again")
    (third,) = drivers(stack)
    wait_until_it_loads(stack)
    prove(stack, since)
    assert drivers(stack) == [third]
    assert stack.root_sql(EPOCH)[0][0] == epoch + 2


def python_of(pid: int) -> psutil.Process:
    for child in psutil.Process(pid).children():
        if child.status() != psutil.STATUS_ZOMBIE and any(word.endswith("stream_logs.py") for word in child.cmdline()):
            return child
    raise AssertionError("the driver has no Python")


def has_logged(tries: Path, words: str) -> bool:
    return any(words in log.read_text(errors="replace") for log in tries.rglob("*.log"))
