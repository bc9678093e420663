"""House rules: for every DAG, and for the size of modules and rooms. Who may import whom is in pyproject.toml."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from jinja2 import Template

from include.contract import reading
from include.names import TABLES
from include.settings import ROOT

DAG_FILES = sorted((ROOT / "dags").glob("*.py"))
EXPECTED = {
    "announce_rows", "bootstrap", "classify_logs", "expire_logs", "expire_runs", "generate_logs", "reconcile_logs",
    "rejudge_logs", "users_dimension", "watch_logs",
}  # fmt: skip


@pytest.fixture(scope="session")
def dagbag(airflow_home: None):
    from airflow.dag_processing.dagbag import DagBag

    return DagBag(dag_folder=str(ROOT / "dags"))


def test_every_dag_parses(dagbag):
    assert dagbag.import_errors == {}
    assert set(dagbag.dags) == EXPECTED


@pytest.mark.parametrize("dag_id", sorted(EXPECTED))
def test_a_dag_is_named_as_its_file_and_explained(dagbag, dag_id):
    dag = dagbag.dags[dag_id]
    assert Path(dag.fileloc).stem == dag_id
    assert "**When" in dag.doc_md
    assert "red" in dag.doc_md or "later try" in dag.doc_md, "the docstring is the page on call"
    assert "logsieve" in dag.tags


@pytest.mark.parametrize("dag_id", sorted(EXPECTED))
def test_every_task_is_tried_again_with_a_growing_pause(dagbag, dag_id):
    for task in dagbag.dags[dag_id].tasks:
        assert task.retries >= 1, task.task_id
        assert task.retry_exponential_backoff, task.task_id
        assert task.max_retry_delay is not None, task.task_id


@pytest.mark.parametrize("dag_id", sorted(EXPECTED))
def test_one_run_at_a_time_unless_runs_are_independent(dagbag, dag_id):
    assert dagbag.dags[dag_id].max_active_runs == (4 if dag_id == "generate_logs" else 1)


@pytest.mark.parametrize("dag_id", sorted(EXPECTED))
def test_every_param_is_bounded(dagbag, dag_id):
    bounds = {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "enum", "pattern", "maxLength", "maxItems"}
    params = dagbag.dags[dag_id].params
    for name in params:
        schema = params.get_param(name).schema
        assert schema.get("type") == "boolean" or bounds & set(schema), name


def test_without_a_generator_nothing_waits_for_its_logs(dagbag):
    from airflow.sdk.exceptions import AirflowSkipException

    found = dagbag.dags["bootstrap"]
    for task_id in ("start_generator", "status_topic_is_filling"):
        with pytest.raises(AirflowSkipException, match="rate is 0"):
            found.get_task(task_id)._pre_execute_hook({"params": {"rate": 0}})
    found.get_task("status_topic_is_filling")._pre_execute_hook({"params": {"rate": 5}})
    for table in TABLES.values():
        sensor = found.get_task(f"{table}_is_filling")
        assert sensor.upstream_task_ids == {"status_topic_is_filling"}
        assert sensor.trigger_rule == "all_success", "it is skipped too"


@pytest.mark.parametrize(
    ("dag_id", "name", "value"),
    [
        ("bootstrap", "rate", -1),
        ("bootstrap", "share_bad", 1.5),
        ("classify_logs", "trigger", "sometimes"),
        ("expire_logs", "retention_days", -1),
        ("expire_logs", "disk_gib", -1),
        ("expire_runs", "runs_days", 0),
        ("watch_logs", "free_gib", -1),
        ("generate_logs", "late_days", 366),
        ("watch_logs", "breaker_share", 20),
        ("watch_logs", "breaker_window_minutes", 0),
        ("watch_logs", "breaker_in_a_row", 0),
        ("watch_logs", "breaker_stops", "perhaps"),
        ("users_dimension", "accept", "perhaps"),
    ],
)
def test_a_param_out_of_bounds_is_refused(dagbag, dag_id, name, value):
    from airflow.sdk.exceptions import ParamValidationError

    param = dagbag.dags[dag_id].params.get_param(name)
    with pytest.raises(ParamValidationError):
        param.resolve(value=value)


@pytest.mark.parametrize(
    "dag_id",
    [
        "announce_rows",
        "expire_logs",
        "expire_runs",
        "reconcile_logs",
        "rejudge_logs",
        "users_dimension",
        "watch_logs",
    ],
)
def test_every_task_that_nobody_waits_for_alerts(dagbag, dag_id):
    for task in dagbag.dags[dag_id].tasks:
        assert [type(callback).__name__ for callback in task.on_failure_callback] == ["Alert"], task.task_id


@pytest.mark.parametrize(
    ("bad", "suspicious", "waits"), [(0.05, 0.05, True), (1, 0, False), (0.95, 0.05, False), (0.7, 0.3, False)]
)
def test_a_table_that_is_meant_to_stay_empty_is_not_waited_for(dagbag, bad, suspicious, waits):
    sql = dagbag.dags["watch_logs"].get_task("good_logs_is_filling").sql
    made = Template(sql).render(params=SimpleNamespace(share_bad=bad, share_suspicious=suspicious))
    assert made.startswith(f"SELECT {0 if waits else 1} OR EXISTS")


def test_the_users_dimension_can_be_backfilled_and_tells_by_an_asset_when_the_past_changed(dagbag):
    dag = dagbag.dags["users_dimension"]
    assert type(dag.timetable).__name__ == "CronTriggerTimetable", "a backfill needs a cron schedule"
    assert not dag.catchup
    assert [asset.name for asset in dag.get_task("changed_the_past").outlets] == ["users_history"]
    assert dag.get_task("changed_the_past").upstream_task_ids == {"load_export"}


def test_without_a_dimension_nothing_waits_for_users_or_for_suspicious_logs(
    airflow_home: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow.dag_processing.dagbag import DagBag

    contract = replace(reading.load(ROOT / "contract.toml"), dimension=None)
    monkeypatch.setattr(reading, "current", lambda: contract)
    found = DagBag(dag_folder=str(ROOT / "dags" / "bootstrap.py"))
    assert found.import_errors == {}
    dag = found.dags["bootstrap"]
    assert "load_users" not in dag.task_ids
    assert dag.get_task("start_generator").upstream_task_ids == {"make_topics", "make_tables"}
    assert "dim_users" not in dag.get_task("make_tables").sql
    shares = SimpleNamespace(share_bad=0.05, share_suspicious=0.95)
    waits = {
        status: Template(dag.get_task(f"{status}_logs_is_filling").sql).render(params=shares)[7] == "0"
        for status in ("good", "bad", "suspicious")
    }
    assert waits == {"good": True, "bad": True, "suspicious": False}


def test_users_are_loaded_before_the_generator_starts(dagbag):
    start = dagbag.dags["bootstrap"].get_task("start_generator")
    assert start.upstream_task_ids == {"make_topics", "make_tables", "load_users"}
    assert dagbag.dags["bootstrap"].get_task("load_users").upstream_task_ids == {"make_tables"}


SOURCES = ("include", "jobs", "plugins", "dags", "bench")
LINES = 250
"""Of a module, in every language, at most."""


def test_no_module_is_too_long():
    files = [
        file for folder in SOURCES for file in (ROOT / folder).rglob("*") if file.suffix in {".py", ".java", ".js"}
    ]
    assert {file.suffix for file in files} == {".py", ".java", ".js"}
    lines = {str(file.relative_to(ROOT)): len(file.read_text(encoding="utf-8").splitlines()) for file in files}
    assert {name: count for name, count in lines.items() if count > LINES} == {}


def test_no_room_is_crowded():
    rooms = [folder for name in ("include", "jobs") for folder in (ROOT / name, *(ROOT / name).rglob("*/"))]
    modules = {str(room.relative_to(ROOT)): len(list(room.glob("[!_]*.py"))) for room in rooms}
    assert {name: count for name, count in modules.items() if count > 15} == {}


def test_what_runs_before_anything_is_installed_needs_the_standard_library_only():
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r})"
    code += "; import include.stack.machine.launch, include.stack.containers.compose_env"
    assert subprocess.run([sys.executable, "-I", "-S", "-c", code], check=False).returncode == 0


def test_nothing_is_read_from_the_environment_at_import():
    code = (
        "import include.settings, include.names, include.source.generator, include.index.indexer, include.topics.hops"
    )
    env = {**os.environ, "LOGSIEVE_RATE": "not a number", "PYTHONPATH": str(ROOT)}
    assert subprocess.run([sys.executable, "-c", code], env=env, check=False).returncode == 0
