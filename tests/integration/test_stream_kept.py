"""What keeps the stream from running is shown everywhere, and `stream start` fixes what cannot be intended."""

import contextlib
import json
from collections.abc import Iterator
from typing import Any

import psutil

from include.stack.airflow import stream_facts
from include.stack.airflow.api import AirflowApi
from tests.integration.stack import EPOCH, Stack, check, drivers, last_run, until, wait_until_it_loads


@contextlib.contextmanager
def kept(stack: Stack) -> Iterator[AirflowApi]:
    """Pauses the DAG; at the end unpauses it and restores the pool's slots, whatever fails."""
    api = AirflowApi(stack.env)
    api._call("PATCH", "/dags/classify_logs", json={"is_paused": True})
    try:
        yield api
    finally:
        api.unpause("classify_logs")
        give_slots(stack, 128)


def give_slots(stack: Stack, slots: int) -> None:
    body = {"pool": "default_pool", "slots": slots}
    AirflowApi(stack.env)._call("PATCH", "/pools/default_pool", params={"update_mask": "slots"}, json=body)


def shown(stack: Stack) -> dict[str, Any]:
    """The stream in `status`, which must exit with 1 unless it is healthy."""
    done = stack.run("status", "--json")
    found: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == (0 if found["healthy"] else 1)
    assert found["healthy"] is found["stream"]["ok"], "all servers answer"
    return dict(found["stream"])


def kill_driver_and_worker(stack: Stack) -> None:
    (driver,) = drivers(stack)
    task = driver.parent()
    worker = task and task.parent()
    assert task
    assert worker
    for process in (worker, task, driver):
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()


def test_paused_and_killed_and_without_slots_is_shown_until_it_runs_again(stack: Stack) -> None:
    wait_until_it_loads(stack)
    since = stack.now()
    (epoch,) = stack.root_sql(EPOCH)[0]
    with kept(stack):
        found = shown(stack)
        assert (found["health"], "is paused" in found["sentence"]) == ("late", True), "shown while it still runs"

        kill_driver_and_worker(stack)
        until(lambda: stream_facts.read(stack.env).health == "broken", 40, "nothing restarts it")
        watched = stack.run("airflow", "tasks", "test", "watch_logs", "stream")
        up = stack.run("up")
        assert up.returncode == 1
        for text in (shown(stack)["sentence"], up.stderr, watched.stdout + watched.stderr):
            assert "the DAG classify_logs is paused" in text, text[-3000:]

        give_slots(stack, 0)
        done = stack.run("stream", "start")
        assert "is now unpaused" in done.stdout, done.stderr
        assert "active already" in done.stdout
        assert done.returncode == 1
        assert "the pool default_pool has no slots" in done.stderr
        assert "airflow pools set default_pool 128" in done.stderr
        assert "has no slots" in shown(stack)["sentence"]
    until(lambda: stack.root_sql(EPOCH)[0][0] > epoch, 90, "it runs again by itself")
    wait_until_it_loads(stack)
    assert shown(stack)["health"] == "ok"
    check(stack, since)


def test_a_cleared_task_restarts_by_itself(stack: Stack) -> None:
    wait_until_it_loads(stack)
    since = stack.now()
    (epoch,) = stack.root_sql(EPOCH)[0]
    body = {"dry_run": False, "only_failed": False, "only_running": True, "reset_dag_runs": True}
    AirflowApi(stack.env)._call("POST", "/dags/classify_logs/clearTaskInstances", json=body)
    until(lambda: stack.root_sql(EPOCH)[0][0] > epoch, 90, "the next driver has the lease")
    wait_until_it_loads(stack)
    check(stack, since)


def test_marked_and_deleted_in_airflow_is_shown_and_started_again(stack: Stack) -> None:
    wait_until_it_loads(stack)
    since = stack.now()
    api = AirflowApi(stack.env)
    api._call("PATCH", f"/dags/classify_logs/dagRuns/{last_run(stack)['dag_run_id']}", json={"state": "failed"})
    until(lambda: not drivers(stack), 60, "the driver has exited")
    until(lambda: "has ended (failed)" in stream_facts.read(stack.env).sentence, 15, "its end is shown")
    until(lambda: api._http.delete("/api/v2/dags/classify_logs").is_success, 60, "none of its tasks runs anymore")
    found = stream_facts.read(stack.env)
    assert (found.ok, "has no DAG" in found.sentence) == (False, True)

    (epoch,) = stack.root_sql(EPOCH)[0]
    done = stack.run("stream", "start")
    assert done.returncode == 0, done.stderr
    for words in ("parsed its file again", "was paused and is now unpaused", "Triggered"):
        assert words in done.stdout
    until(lambda: stack.root_sql(EPOCH)[0][0] > epoch, 90, "it starts")
    check(stack, since)
