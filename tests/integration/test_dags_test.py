"""Each DAG succeeds under `airflow dags test` with the running stack."""

import json
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime

import pytest

from include.stack.airflow.api import AirflowApi
from include.stack.servers.probes import postgres_connection
from tests.integration.stack import Stack

SECONDS = 120
CONF = {"generate_logs": {"seconds": 5}, "rejudge_logs": {"accounts": [684], "dry_run": True}}


@pytest.mark.parametrize(
    "dag_id",
    [
        "users_dimension",
        "watch_logs",
        "generate_logs",
        "classify_logs",
        "bootstrap",
        "rejudge_logs",
        "announce_rows",
    ],
)
def test_a_dag_succeeds(stack: Stack, dag_id: str) -> None:
    done = stack.run("airflow", "dags", "test", dag_id, "--conf", json.dumps(CONF.get(dag_id, {})), seconds=SECONDS)
    printed = done.stdout + done.stderr
    complaints = "\n".join(line[:400] for line in printed.splitlines() if "rror" in line or "fail" in line)
    assert done.returncode == 0, complaints
    assert "state=success" in printed, complaints


def runs_of(stack: Stack, dag_id: str) -> list[str]:
    return sorted(run["dag_run_id"] for run in AirflowApi(stack.env).runs(dag_id, 100))


def test_the_scheduler_can_execute_none_of_these_runs_or_tasks(stack: Stack) -> None:
    with closing(postgres_connection(stack.env)) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT pool, slots, run_after > NOW() FROM task_instance"
            " JOIN dag_run USING (dag_id, run_id) JOIN slot_pool USING (pool) WHERE triggered_by = 'TEST'"
        )
        assert cursor.fetchall() == [("dags_test", 0, True)]


def test_the_page_has_the_time_when_such_a_run_started(stack: Stack) -> None:
    code = "from plugins.page.runs import newest; print(newest(['bootstrap'])['bootstrap'].at.isoformat())"
    done = subprocess.run([sys.executable, "-c", code], env=stack.env.whole(), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert datetime.fromisoformat(done.stdout.splitlines()[-1]) < datetime.now(UTC)


def test_a_task_runs_alone_and_the_scheduler_executes_none_beside_it(stack: Stack) -> None:
    before = runs_of(stack, "bootstrap")
    done = stack.run("airflow", "tasks", "test", "bootstrap", "make_topics", seconds=SECONDS)
    assert done.returncode == 0, done.stdout + done.stderr
    assert runs_of(stack, "bootstrap") == before, "Airflow deletes a run without a date"
    logs = stack.state / "logs" / "airflow" / "dag_id=bootstrap"
    assert not list(logs.glob("run_id=__airflow_temporary_run_*")), "a task that the scheduler executes has a log"
