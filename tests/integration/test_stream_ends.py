"""The stream is killed or stopped: it continues exactly after the last judged and loaded logs."""

from contextlib import closing

import psutil
import pytest

from include.stack.airflow.api import AirflowApi
from include.stack.run import supervisor
from include.stack.servers.probes import postgres_connection
from tests.integration.stack import EPOCH, Stack, check, drivers, last_run, until, wait_until_it_loads

LOST = "the worker of classify_logs.stream was killed"


def test_after_a_kill_its_task_restarts_it_without_a_scheduler_and_nothing_is_judged_twice(stack: Stack) -> None:
    wait_until_it_loads(stack)
    since = stack.now()
    (epoch,) = stack.root_sql(EPOCH)[0]
    (driver,) = drivers(stack)
    task = driver.parent()
    scheduler = psutil.Process(supervisor.proxy(stack.env).getProcessInfo("airflow-scheduler")["pid"])
    scheduler.suspend()
    try:
        driver.kill()
        until(lambda: stack.root_sql(EPOCH)[0][0] > epoch, 60, "the next driver has the lease")
        (next_driver,) = drivers(stack)
        assert next_driver.parent() == task, "the same task started it"
    finally:
        scheduler.resume()
    wait_until_it_loads(stack)
    check(stack, since)


def test_after_a_kill_of_its_task_airflow_retries_it_and_nothing_is_judged_twice(stack: Stack) -> None:
    wait_until_it_loads(stack)
    since = stack.now()
    (epoch,) = stack.root_sql(EPOCH)[0]
    (driver,) = drivers(stack)
    task = driver.parent()
    assert task is not None
    task.kill()
    until(lambda: stack.root_sql(EPOCH)[0][0] > epoch, 90, "the next driver has the lease")
    until(lambda: not driver.is_running(), 30, "the orphan has exited")
    wait_until_it_loads(stack)
    check(stack, since)


@pytest.mark.parametrize("all_below", [False, True], ids=["alone", "and all below"])
def test_after_a_kill_of_its_worker_airflow_does_not_wait_for_heartbeats(stack: Stack, all_below: bool) -> None:
    wait_until_it_loads(stack)
    since = stack.now()
    (epoch,) = stack.root_sql(EPOCH)[0]
    (driver,) = until(lambda: len(found := drivers(stack)) == 1 and found, 30, "no orphan of another test is left")
    task = driver.parent()
    worker = task and task.parent()
    assert worker is not None
    below = worker.children(recursive=True) if all_below else []
    log = supervisor.log_file(stack.env, "watchdog")
    before = log.read_text().count(LOST)
    for process in (worker, *below):
        process.kill()
    until(lambda: log.read_text().count(LOST) > before, 15, "the watchdog has detected it")
    until(lambda: stack.root_sql(EPOCH)[0][0] > epoch, 60, "the next driver has the lease")
    until(lambda: len(drivers(stack)) == 1, 30, "an orphan has exited")
    wait_until_it_loads(stack)
    check(stack, since)


def test_a_scheduler_that_was_killed_with_the_lock_of_the_pools_blocks_no_task(stack: Stack) -> None:
    """The workers that it leaves keep its connection to PostgreSQL open, as this test does."""
    with closing(postgres_connection(stack.env)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT pool FROM slot_pool FOR UPDATE")
        api = AirflowApi(stack.env)
        run = api.trigger("expire_runs", {})
        until(lambda: api.run_state("expire_runs", run) == "success", 60, "a task has started and ended")


def test_a_driver_that_dies_after_a_kill_of_the_scheduler_is_replaced(stack: Stack) -> None:
    wait_until_it_loads(stack)
    since = stack.now()
    (epoch,) = stack.root_sql(EPOCH)[0]
    rpc = supervisor.proxy(stack.env)
    before = rpc.getProcessInfo("airflow-scheduler")["pid"]
    psutil.Process(before).kill()
    until(lambda: rpc.getProcessInfo("airflow-scheduler")["pid"] not in (0, before), 30, "the scheduler runs again")
    until(lambda: stack.status().healthy, 60, "all servers answer")
    (driver,) = drivers(stack)
    driver.kill()
    until(lambda: stack.root_sql(EPOCH)[0][0] > epoch, 60, "the next driver has the lease")
    wait_until_it_loads(stack)
    check(stack, since)


def test_a_person_stops_it_and_starts_it_again(stack: Stack) -> None:
    wait_until_it_loads(stack)
    since = stack.now()
    done = stack.run("stream", "stop")
    assert done.returncode == 0, done.stderr
    assert "has stopped" in done.stdout
    until(lambda: not drivers(stack), 30, "the driver has exited by itself")
    until(lambda: last_run(stack)["state"] == "success", 30, "for Airflow it is a success")
    assert "was not running" in stack.run("stream", "stop").stdout

    (epoch,) = stack.root_sql(EPOCH)[0]
    assert "Triggered" in stack.run("stream", "start").stdout
    assert "active already" in stack.run("stream", "start").stdout
    until(lambda: stack.root_sql(EPOCH)[0][0] > epoch, 90, "it starts")
    check(stack, since)


def test_stopping_the_task_in_airflow_is_a_clean_stop_too(stack: Stack) -> None:
    wait_until_it_loads(stack)
    since = stack.now()
    AirflowApi(stack.env).end_run("classify_logs", last_run(stack)["dag_run_id"])
    until(lambda: not drivers(stack), 60, "the driver has exited")
    heartbeat = "SELECT CAST(heartbeat_at AS CHAR) FROM logs.driver_lease WHERE name = 'stream_logs'"
    assert stack.root_sql(heartbeat)[0][0].startswith("1970-01-01"), "it has freed its lease, as it exited by itself"

    (epoch,) = stack.root_sql(EPOCH)[0]
    assert "Triggered" in stack.run("stream", "start").stdout
    until(lambda: stack.root_sql(EPOCH)[0][0] > epoch, 90, "it starts")
    check(stack, since)
