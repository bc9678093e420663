"""`up` reports each blocker once while it waits; the facts about the stream come from Airflow's API."""

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from include.driver.stream_verdict import Airflow, Pool, StreamRun, StreamVerdict
from include.stack.airflow.api import AirflowApi
from include.stack.airflow.stream_facts import of_dag, read_airflow
from include.stack.run.waiting import Waiting
from tests.unit.staged.airflow import StagedAirflow, staged

LIVES = {"/monitor/health": {"scheduler": {"status": "healthy"}}}
FREE = {"/pools": {"pools": [{"name": "default_pool", "slots": 8, "occupied_slots": 1, "open_slots": 7}]}}
FULL = {"/pools": {"pools": [{"name": "default_pool", "slots": 0, "occupied_slots": 0, "open_slots": 0}]}}
WELL = StreamVerdict("ok", True, "A driver judges the logs.")
STARTS = StreamVerdict("late", True, "A driver is starting.", "Wait a minute.")
CRASHES = StreamVerdict(
    "late", True, "A driver is starting. The last one failed: no memory", "Wait a minute.", "no memory"
)
PAUSED = StreamVerdict("broken", False, "paused.", "./logsieve stream start")
STARTED = {"start_stream": "success", "status_topic_is_filling": "running"}


@pytest.mark.parametrize(
    ("answers", "tasks", "verdict", "expected"),
    [
        ({}, STARTED, WELL, []),
        ({}, {"start_stream": "skipped", "x": "running"}, PAUSED, ["Waiting: paused"]),
        ({}, STARTED, STARTS, []),
        ({}, STARTED, CRASHES, ["Waiting: A driver is starting. The last one failed: no memory Wait a minute."]),
        ({}, STARTED, PAUSED, ["Waiting: paused. ./logsieve stream start"]),
        ({}, {"start_stream": None, "make_topics": "running"}, PAUSED, []),
        (LIVES | FREE, {"start_stream": None}, PAUSED, []),
        (LIVES | FULL, {"start_stream": "scheduled"}, PAUSED, ["default_pool has no free slot"]),
        ({"/monitor/health": {"scheduler": {"status": "unhealthy"}}}, {}, PAUSED, ["no scheduler"]),
    ],
)
def test_each_blocker_of_a_bootstrap_is_reported_once(
    answers: dict[str, Any], tasks: dict[str, str | None], verdict: StreamVerdict, expected: list[str]
) -> None:
    steps: list[str] = []
    lines: list[str] = []
    with staged(answers) as place:
        waiting = Waiting(AirflowApi(place), steps.append, lines.append, lambda: verdict, every=0)
        for _ in range(3):
            waiting.look(tasks)
    assert len(lines) == len(expected)
    assert all(part in line for part, line in zip(expected, lines, strict=True))
    assert len(steps) == 1


TIME = "2026-11-25T12:00:00Z"
RUN = {
    "triggered_by": "rest_api",
    "dag_run_id": "manual__1+00:00",
    "state": "running",
    "conf": {"trigger": "realtime"},
    "start_date": TIME,
}
TASK = {"task_id": "stream", "state": "running", "try_number": 2, "pool": "default_pool", "start_date": TIME}
LOGS = "/dags/classify_logs/dagRuns/manual__1%2B00%3A00/taskInstances/stream/logs/"
DAG = {
    **LIVES,
    **FREE,
    "/dags/classify_logs": {"is_paused": True, "is_stale": False},
    "/dags/classify_logs/dagRuns?limit=25&order_by=-id&state=queued&state=running": {
        "dag_runs": [RUN | {"dag_run_id": "next", "state": "queued", "start_date": None, "queued_at": TIME}, RUN]
    },
    "/dags/classify_logs/dagRuns?limit=25&order_by=-id&state=success&state=failed": {
        "dag_runs": [RUN | {"dag_run_id": "bounded", "conf": {}, "state": "success"}, RUN | {"state": "failed"}]
    },
    "/dags/classify_logs/dagRuns/manual__1%2B00%3A00/taskInstances": {"task_instances": [TASK]},
    "/dags/~/dagRuns/~/taskInstances": {"task_instances": [], "total_entries": 8},
    f"{LOGS}2": {"content": [{"event": "it begins"}]},
    f"{LOGS}1": {
        "content": [
            {"event": "2026-11-25 12:00:00,000 ERROR logsieve: no memory"},
            {"event": "Task failed", "error_detail": [{"exc_value": "Cannot execute: x. Error code is: 1."}]},
        ]
    },
    "/importErrors": {"import_errors": [{"filename": "classify_logs.py", "stack_trace": "Trace\nNameError: x"}]},
}


def test_the_facts_describe_the_active_run_and_the_newest_ended_endless_run() -> None:
    at = datetime(2026, 11, 25, 12, tzinfo=UTC)
    run = StreamRun("manual__1+00:00", "running", True, at, "running", at, "no memory")
    ended = StreamRun("manual__1+00:00", "failed", True, at)
    pool = Pool("default_pool", 8, 1)
    with staged(DAG) as place:
        found = of_dag(AirflowApi(place), 8, in_full=True)
    assert found == Airflow(
        paused=True, import_error="NameError: x", active=run, ended=ended, pool=pool, all_slots_taken=True
    )


def test_an_unknown_dag_and_a_deleted_pool() -> None:
    without = {path: answer for path, answer in DAG.items() if "classify_logs" not in path}
    with staged(without) as place:
        assert of_dag(AirflowApi(place), 8, in_full=True) == Airflow(known=False, import_error="NameError: x")
    with staged(DAG | {"/pools": {"pools": []}}) as place:
        assert of_dag(AirflowApi(place), 9, in_full=True).pool == Pool("default_pool", 0, 0)
        assert of_dag(AirflowApi(place), 9, in_full=False).pool is None, "a running driver needs none"


def test_an_airflow_that_is_down_has_no_facts() -> None:
    with staged({}) as place:
        away = StagedAirflow(place.airflow_url)
        with pytest.raises(httpx.HTTPStatusError):
            AirflowApi(place).is_scheduled()
    assert read_airflow(away, 8, in_full=True) is None
