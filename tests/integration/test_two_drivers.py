"""Two drivers at once: a person's takes the lease over, Airflow's ends; when the person's ends too, Airflow's is back."""

import subprocess

import psutil

from tests.integration.stack import EPOCH, Stack, drivers, prove, until, wait_until_it_loads
from tests.integration.test_start_of_driver import by_hand


def stop(driver: "subprocess.Popen[str]") -> str:
    """Ends the driver as Airflow's operator does, by a SIGTERM to its Python; gives what it said."""
    (python,) = [child for child in psutil.Process(driver.pid).children() if "stream_logs.py" in " ".join(child.cmdline())]
    python.terminate()
    return driver.communicate(timeout=60)[0]


def test_who_takes_over_goes_on_alone_and_nothing_is_doubled(stack: Stack) -> None:
    wait_until_it_loads(stack)
    since = stack.now()
    (first,) = drivers(stack)
    (epoch,) = stack.root_sql(EPOCH)[0]
    second = by_hand(stack, "--take-over")
    try:
        until(lambda: stack.root_sql(EPOCH)[0][0] > epoch, 90, "the second driver has the lease")
        until(lambda: not first.is_running(), 30, "the first has ended")
        wait_until_it_loads(stack)
        import time
        for _ in range(30):
            time.sleep(1)
            print(stack.root_sql("SELECT * FROM logs.driver_lease WHERE name='stream_logs'"), [d.pid for d in drivers(stack)], second.pid, stack.status()["dags"]["classify_logs"])
    finally:
        print(stop(second), second.returncode)
    for _ in range(30):
        time.sleep(1)
        print(stack.root_sql("SELECT * FROM logs.driver_lease WHERE name='stream_logs'"), [d.pid for d in drivers(stack)], second.pid, stack.status()["dags"]["classify_logs"])
    stack.run("stream", "start")
    prove(stack, since)
