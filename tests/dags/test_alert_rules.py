"""Prometheus alarms about everything that the DAG watch_logs alarms about."""

import yaml

from include.names import STATUSES
from include.settings import ROOT


def test_every_task_of_watch_logs_has_an_alert(airflow_home: None) -> None:
    from airflow.dag_processing.dagbag import DagBag

    tasks = set(DagBag(dag_folder=str(ROOT / "dags" / "watch_logs.py")).dags["watch_logs"].task_ids)
    (group,) = yaml.safe_load((ROOT / "include" / "metrics" / "alerts.yaml").read_text())["groups"]
    named = {rule["labels"]["check"] for rule in group["rules"] if "check" in rule["labels"]}
    checks = {check.replace("{{ $labels.status }}", status) for check in named for status in STATUSES}
    assert checks == tasks
