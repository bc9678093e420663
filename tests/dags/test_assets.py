"""The assets: the way of a log is in Airflow's graph, and only the tasks that have something to say emit events."""

from contextlib import suppress
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from include.announcing.ranges import Position
from include.names import TABLES
from include.settings import ROOT

HOPS = {"server-logs", "server-logs-status", *TABLES.values(), "server-logs-index", "users_history"}
EMITTING = {
    ("announce_rows", "announce"),
    ("announce_rows", "announce_corrections"),
    ("users_dimension", "changed_the_past"),
}


def parse(folder: str, **variables: str) -> dict[str, Any]:
    from airflow.dag_processing.dagbag import DagBag

    with pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        found = DagBag(dag_folder=str(ROOT / folder))
    assert found.import_errors == {}
    return dict(found.dags)


@pytest.fixture(scope="module")
def dags(airflow_home: None) -> dict[str, Any]:
    return parse("dags")


def names(assets: Any) -> set[str]:
    return {asset.name for asset in assets}


def test_every_hop_is_an_asset_and_the_graph_has_the_way_of_a_log(dags: dict[str, Any]) -> None:
    tasks = [task for dag in dags.values() for task in dag.tasks]
    assert {name for task in tasks for name in names([*task.inlets, *task.outlets])} == HOPS
    stream = dags["classify_logs"].get_task("stream")
    assert names(dags["generate_logs"].get_task("generate").outlets) == {"server-logs"}
    assert names(stream.inlets) == {"server-logs", "users_history"}
    assert names(stream.outlets) == {"server-logs-status", *TABLES.values()}
    for task in dags["announce_rows"].tasks:
        assert names(task.outlets) == set(TABLES.values())


def test_a_task_that_only_declares_where_logs_go_emits_nothing(dags: dict[str, Any]) -> None:
    from airflow.sdk.exceptions import AirflowNotFoundException

    declaring = {
        (dag_id, task.task_id): task
        for dag_id, dag in dags.items()
        for task in dag.tasks
        if task.outlets and (dag_id, task.task_id) not in EMITTING
    }
    assert ("classify_logs", "stream") in declaring
    for place, task in declaring.items():
        before = task.outlets
        # The stream's hook then looks for a driver in MySQL, and there is no connection here.
        with suppress(AirflowNotFoundException):
            task._pre_execute_hook({"ti": SimpleNamespace(task=task)})
        assert task.outlets == [], place
        task.outlets = before


def test_no_dag_is_triggered_by_mistake(dags: dict[str, Any]) -> None:
    scheduled = {dag_id: names(dag.schedule) for dag_id, dag in dags.items() if isinstance(dag.schedule, list)}
    assert scheduled == {"rejudge_logs": {"users_history"}}


def test_corrections_are_announced_after_rows_even_if_there_were_none(dags: dict[str, Any]) -> None:
    second = dags["announce_rows"].get_task("announce_corrections")
    assert second.upstream_task_ids == {"announce"}
    assert second.trigger_rule == "none_failed", "the other may be skipped"


def test_beside_another_run_nothing_is_announced(dags: dict[str, Any]) -> None:
    from airflow.sdk.exceptions import AirflowSkipException

    for task in dags["announce_rows"].tasks:

        def ti(running: int) -> Any:
            return SimpleNamespace(dag_id="announce_rows", get_dr_count=lambda dag_id, states: running)

        task._pre_execute_hook({"ti": ti(1)})
        with pytest.raises(AirflowSkipException, match="Another run"):
            task._pre_execute_hook({"ti": ti(2)})


def test_the_rate_of_events_is_a_setting(dags: dict[str, Any]) -> None:
    assert dags["announce_rows"].schedule == timedelta(minutes=5)
    assert parse("dags/announce_rows.py", LOGSIEVE_ANNOUNCE_MINUTES="60")["announce_rows"].schedule == timedelta(
        hours=1
    )
    assert parse("dags/announce_rows.py", LOGSIEVE_ANNOUNCE_MINUTES="0")["announce_rows"].schedule is None


def event(number: int, end: int, task_id: str = "announce", dag_id: str | None = "announce_rows") -> Any:
    extra = {"topics": "t", "next_offsets": {"0": end}}
    return SimpleNamespace(id=number, extra=extra, source_dag_id=dag_id, source_task_id=task_id)


def test_the_position_is_that_of_the_tasks_own_last_event_also_after_a_clock_was_set_back(airflow_home: None) -> None:
    from plugins.assets import newest

    by_hand = SimpleNamespace(id=9, extra={"note": "a person's"}, source_dag_id=None, source_task_id=None)
    found = [by_hand, event(8, 999, "announce_corrections"), event(3, 30), event(5, 50), event(4, 40)]
    assert newest(found, "announce_rows", "announce") == Position("t", {0: 50})
    assert newest([by_hand], "announce_rows", "announce") is None


def test_the_example_follows_the_same_asset(dags: dict[str, Any]) -> None:
    (example,) = parse("examples/hourly_counts").values()
    ours = {(asset.name, asset.uri) for asset in dags["announce_rows"].get_task("announce").outlets}
    assert {(asset.name, asset.uri) for asset in example.schedule} < ours
    assert example.max_active_runs == 1
    assert not example.catchup
