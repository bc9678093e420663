"""Parts of a cluster, or all of Airflow, die while logs flow: the stream goes on, and no log is lost or doubled."""

import contextlib
import json
import os
import signal
import time
from urllib.error import URLError

import psutil
import pytest

from include.names import CLASSIFY_DAG, origin_key
from include.stack.airflow.api import AirflowApi
from include.stack.run import supervisor
from tests.clusters import cluster
from tests.integration.stack import EPOCH, Moment, Stack, check, drivers, last_run, until, wait_until_it_loads

AIRFLOW = ("airflow-scheduler", "airflow-api-server", "airflow-dag-processor", "airflow-triggerer")
AWAY_SECONDS = 120


@pytest.fixture
def on_yarn(stack: Stack) -> Stack:
    if stack.env.engine != "yarn":
        pytest.skip("only YARN has managers")
    return stack


@pytest.fixture
def elsewhere(stack: Stack) -> Stack:
    if stack.env.engine == "spark":
        pytest.skip("the driver is a child of Airflow's worker")
    return stack


def prove(stack: Stack, since: Moment) -> None:
    """Every log since the moment has one row, its document says the same, and the proof finds nothing. A verdict may
    be sent twice: a task that dies does not know which of its verdicts have arrived."""
    sent = {(message.partition, message.offset) for message in stack.messages("server-logs", since["server-logs"])}
    until(lambda: sent <= stack.loaded(since), 120, "every log is in a table")
    rows = [row for row in stack.rows(since) if row[:2] in sent]
    assert len(rows) == len(sent), "no log is in two tables"
    keys = {message.key for message in stack.messages("server-logs-status", since["server-logs-status"])}
    assert {origin_key(*origin).encode() for origin in sent} <= keys, "every log has a verdict"
    wanted = {(partition, offset): status for partition, offset, status in rows}
    until(lambda: stack.documents(list(wanted)) == wanted, 60, "every document matches its row")
    done = stack.run("reconcile", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    assert all(proof["logs"] == proof["rows"] == proof["documents"] for proof in json.loads(done.stdout))


def start_and_prove(stack: Stack, since: Moment) -> None:
    done = stack.run("stream", "start")
    assert done.returncode == 0, done.stdout + done.stderr
    wait_until_it_loads(stack)
    prove(stack, since)


def epoch(stack: Stack) -> int:
    return int(stack.root_sql(EPOCH)[0][0])


def log_of_task(stack: Stack) -> str:
    """The log of the newest try of the stream's task."""
    logs = stack.state.glob("logs/airflow/dag_id=classify_logs/*/*/*.log")
    return max(logs, key=lambda log: log.stat().st_mtime).read_text(errors="replace")


def test_an_executor_that_dies_is_replaced_and_the_driver_stays(stack: Stack) -> None:
    wait_until_it_loads(stack)
    since, before = stack.now(), epoch(stack)
    first, *_ = cluster.executors(stack)
    count = len(cluster.executors(stack))
    first.kill()
    until(lambda: len(cluster.executors(stack)) == count, 60, "another executor runs")
    stack.generate(500)
    check(stack, since)  # no log was judged twice: a verdict that is repeated later would undo a correction
    prove(stack, since)
    assert epoch(stack) == before, "the driver is the same"


def test_a_driver_that_dies_is_followed_by_another_one(stack: Stack) -> None:
    wait_until_it_loads(stack)
    since, before = stack.now(), epoch(stack)
    apps = cluster.running(stack) if stack.env.engine == "yarn" else []
    (driver,) = drivers(stack)
    driver.kill()
    until(lambda: epoch(stack) > before, 120, "the next driver has the lease")
    wait_until_it_loads(stack)
    prove(stack, since)
    if apps:
        assert cluster.running(stack) == apps, "it is the same application"


def test_a_stop_is_graceful(stack: Stack) -> None:
    wait_until_it_loads(stack)
    since = stack.now()
    done = stack.run("stream", "stop")
    assert done.returncode == 0, done.stdout + done.stderr
    assert drivers(stack) == []
    if stack.env.engine == "yarn":
        assert "FINISHED" in cluster.applications(stack).values()
    if stack.env.engine == "kubernetes":
        assert cluster.applications(stack) == {}, "its pod was removed"
    start_and_prove(stack, since)


def test_without_airflow_the_stream_goes_on_and_airflow_finds_it_again(elsewhere: Stack) -> None:
    stack = elsewhere
    wait_until_it_loads(stack)
    since, before, apps = stack.now(), epoch(stack), cluster.running(stack)
    for name in AIRFLOW:
        pid = supervisor.proxy(stack.env).getProcessInfo(name)["pid"]
        children = psutil.Process(pid).children(recursive=True)  # the workers of all tasks
        for process in (psutil.Process(pid), *children):
            if process.is_running():
                os.kill(process.pid, signal.SIGKILL)
    stack.generate(500)
    prove(stack, since)
    until(lambda: stack.status().healthy, 120, "Airflow is back, and follows the stream")
    assert (cluster.running(stack), epoch(stack)) == (apps, before), "it is the same application and driver"


def test_no_verdict_is_late_while_airflow_is_away_for_two_minutes(elsewhere: Stack) -> None:
    stack = elsewhere
    wait_until_it_loads(stack)
    begun, since, before, apps = time.monotonic(), stack.now(), epoch(stack), cluster.running(stack)
    programs = supervisor.proxy(stack.env)
    for name in AIRFLOW:
        programs.stopProcess(name)
    try:
        while time.monotonic() - begun < AWAY_SECONDS:
            sent = stack.now()["server-logs"]
            stack.generate(100)
            ends = stack.now()["server-logs"]
            origins = {(number, offset) for number, end in ends.items() for offset in range(sent[number], end)}
            until(lambda origins=origins: origins <= stack.loaded(since), 5, "the logs are loaded at once")
    finally:
        for name in AIRFLOW:
            programs.startProcess(name, False)
    until(lambda: stack.status().healthy, 120, "Airflow follows the stream again")
    assert (cluster.running(stack), epoch(stack)) == (apps, before), "it is the same application and driver"
    prove(stack, since)


def test_a_new_run_follows_the_application_that_another_run_has_started(elsewhere: Stack) -> None:
    stack = elsewhere
    wait_until_it_loads(stack)
    since, before, apps = stack.now(), epoch(stack), cluster.running(stack)
    old = last_run(stack)["dag_run_id"]
    with stack.away("airflow-scheduler"):
        AirflowApi(stack.env).end_run(CLASSIFY_DAG, old)  # no worker runs that could notice and stop the application
    start_and_prove(stack, since)
    new = last_run(stack)["dag_run_id"]
    assert new != old
    assert (cluster.running(stack), epoch(stack)) == (apps, before), "it is the same application and driver"
    AirflowApi(stack.env).end_run(CLASSIFY_DAG, new)
    until(lambda: not cluster.running(stack), 60, "the marked run stops the application that it follows")
    start_and_prove(stack, since)


def test_a_task_that_is_stopped_with_airflow_leaves_the_application_and_a_marked_one_stops_it(elsewhere: Stack) -> None:
    stack = elsewhere
    wait_until_it_loads(stack)
    since, apps = stack.now(), cluster.running(stack)
    with stack.away("airflow-scheduler"):
        stack.generate(500)
        prove(stack, since)
        assert cluster.running(stack) == apps, "the application goes on while the scheduler is stopped"
    until(lambda: stack.status().healthy, 120, "Airflow is back")
    until(lambda: "Reconnecting to existing job" in log_of_task(stack), 60, "the task follows the application again")
    assert cluster.running(stack) == apps
    AirflowApi(stack.env).end_run(CLASSIFY_DAG, last_run(stack)["dag_run_id"])
    until(lambda: not cluster.running(stack), 60, "the marked run's application has ended")
    assert cluster.applications(stack)[apps[0]] in cluster.ENDED_WELL, "it ended by itself, between two batches"
    start_and_prove(stack, since)


def test_managers_that_die_find_the_application_again(on_yarn: Stack) -> None:
    stack = on_yarn
    wait_until_it_loads(stack)
    since, before, apps = stack.now(), epoch(stack), cluster.running(stack)
    managers = cluster.processes(stack, cluster.MANAGERS)
    assert len(managers) == 3
    for process in managers:
        process.kill()
    stack.generate(500)
    prove(stack, since)
    until(lambda: len(cluster.processes(stack, cluster.MANAGERS)) == 3, 60, "all managers run again")

    def are_known() -> bool:
        with contextlib.suppress(URLError):  # the ResourceManager does not answer yet
            return cluster.running(stack) == apps
        return False

    until(are_known, 60, "the application is known again")
    assert epoch(stack) == before, "the driver is the same"
