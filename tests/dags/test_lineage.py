"""What OpenLineage's provider extracts of our tasks; and that it may be missing."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from include.lineage.flows import TASKS
from include.settings import ROOT
from tests.openlineage import events

KAFKA = "kafka://kafka1.example.org:9093"
MYSQL = "mysql://mysql.example.org:3307"
SEARCH = "elasticsearch://search.example.org:9243"
LOGINS = ("them", "secret")


@pytest.fixture(scope="module")
def dags(airflow_home: None) -> Any:
    from airflow.dag_processing.dagbag import DagBag

    return DagBag(dag_folder=str(ROOT / "dags")).dags


@pytest.fixture
def own_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "KAFKA_BOOTSTRAP": "kafka1.example.org:9093,kafka2.example.org:9093",
        "KAFKA_SECURITY": "SASL_SSL",
        "KAFKA_USER": "them",
        "KAFKA_PASSWORD": "secret",
        "MYSQL_HOST": "mysql.example.org",
        "MYSQL_PORT": "3307",
        "MYSQL_STREAM_PASSWORD": "secret",
        "ELASTICSEARCH_URL": "https://them:secret@search.example.org:9243",
    }.items():
        monkeypatch.setenv(f"LOGSIEVE_{name}", value)


def extracted(task: Any, state: str = "running") -> Any:
    """What the provider would tell of the task, as its listener asks for it."""
    from airflow.providers.openlineage.extractors.manager import ExtractorManager
    from airflow.utils.state import TaskInstanceState

    manager = ExtractorManager()
    return manager.extract_metadata(
        SimpleNamespace(run_id="r"), task, TaskInstanceState(state), SimpleNamespace(task=task)
    )


@pytest.fixture(autouse=True)
def ours(monkeypatch: pytest.MonkeyPatch) -> None:
    from include.stack import airflow_settings

    found = airflow_settings.variables(ROOT, "", 1, dict.fromkeys(("airflow_fernet", "airflow_api", "airflow_jwt"), ""))
    name = "AIRFLOW__OPENLINEAGE__EXTRACTORS"
    monkeypatch.setenv(name, found[name])


def as_event(found: Any) -> events.Event:
    """An event of the run, as the client writes it."""
    from openlineage.client.event_v2 import Job, Run, RunEvent, RunState
    from openlineage.client.serde import Serde
    from openlineage.client.uuid import generate_new_uuid

    made = RunEvent(
        eventType=RunState.START,
        eventTime="2026-12-01T00:00:00Z",
        run=Run(str(generate_new_uuid())),
        job=Job("default", "classify_logs.stream"),
        inputs=found.inputs,
        outputs=found.outputs,
        producer="https://example.org",
    )
    return json.loads(Serde.to_json(made))  # type: ignore[no-any-return]


@pytest.mark.parametrize("state", ["running", "success", "failed"])
@pytest.mark.parametrize(("dag_id", "task_id"), TASKS)
def test_every_task_that_moves_data_tells_it_by_the_schema_from_its_start_on(
    dags: Any, dag_id: str, task_id: str, state: str
):
    event = as_event(extracted(dags[dag_id].get_task(task_id), state))
    events.check(event)
    assert event["inputs"] or event["outputs"]


def test_the_stream_is_named_by_the_rules_and_without_logins(dags: Any, own_servers: None):
    event = as_event(extracted(dags["classify_logs"].get_task("stream")))
    assert events.named(event["inputs"]) == {
        (KAFKA, "server-logs"), (KAFKA, "server-logs-status"),
        (MYSQL, "dim_users.users_history"), (MYSQL, "dim_users.users_version"),
    }  # fmt: skip
    assert events.named(event["outputs"]) == {
        (KAFKA, "server-logs-status"), (SEARCH, "server-logs"),
        (MYSQL, "logs.good_logs"), (MYSQL, "logs.bad_logs"), (MYSQL, "logs.suspicious_logs"),
    }  # fmt: skip
    assert not [word for word in LOGINS if word in json.dumps(event)]


@pytest.mark.parametrize(
    ("folder", "namespace", "name"),
    [
        ("/srv/accounts", "file", "/srv/accounts"),
        ("file:///srv/accounts", "file", "/srv/accounts"),
        ("s3://aws_connection@bucket/accounts", "s3://bucket", "accounts"),
        ("gcs://bucket/of/accounts/", "gs://bucket", "of/accounts"),
    ],
)
def test_the_exports_are_named_by_their_folder(
    dags: Any, monkeypatch: pytest.MonkeyPatch, folder: str, namespace: str, name: str
):
    monkeypatch.setenv("LOGSIEVE_ACCOUNTS_PATH", folder)
    found = extracted(dags["users_dimension"].get_task("load_export"))
    assert [(each.namespace, each.name) for each in found.inputs] == [(namespace, name)]


def test_what_other_dags_declare_is_told_as_before(airflow_home: None):
    from airflow.sdk import DAG, task
    from openlineage.client.event_v2 import Dataset

    with DAG("theirs", schedule=None):

        @task(outlets=[Dataset("file", "/theirs")])
        def stream() -> None: ...

        made = stream()
    assert [each.name for each in extracted(made.operator).outputs] == ["/theirs"]


@pytest.mark.parametrize("state", ["running", "success", "failed"])
def test_another_operator_with_the_name_of_ours_tells_itself(airflow_home: None, state: str):
    from airflow.providers.openlineage.extractors import OperatorLineage
    from airflow.sdk import DAG, BaseOperator
    from openlineage.client.event_v2 import Dataset

    class MySqlOperator(BaseOperator):
        def get_openlineage_facets_on_start(self) -> OperatorLineage:
            return OperatorLineage(outputs=[Dataset("file", "/running")])

        def get_openlineage_facets_on_complete(self, task_instance: Any) -> OperatorLineage:
            return OperatorLineage(outputs=[Dataset("file", "/success")])

        def get_openlineage_facets_on_failure(self, task_instance: Any) -> OperatorLineage:
            return OperatorLineage(outputs=[Dataset("file", "/failed")])

    with DAG("theirs", schedule=None):
        made = MySqlOperator(task_id="make_tables")
    assert [each.name for each in extracted(made, state).outputs] == [f"/{state}"]


def test_the_page_names_settings_that_the_provider_has_and_every_task(airflow_home: None):
    from airflow.configuration import conf

    page = (ROOT / "docs" / "lineage.md").read_text(encoding="utf-8")
    named = {name.lower() for name in re.findall(r"AIRFLOW__OPENLINEAGE__(\w+)", page)}
    assert {"transport", "namespace", "extractors"} <= named
    named |= {"execution_timeout", "disabled_for_operators", "emission_policy"}
    assert named <= conf.configuration_description["openlineage"]["options"].keys()
    for dag_id, task_id in TASKS:
        assert f"{dag_id}." in page
        assert task_id in page


WITHOUT = """
import importlib_metadata, sys
installed = importlib_metadata.distributions
importlib_metadata.distributions = lambda: (each for each in installed() if "openlineage" not in each.metadata["Name"])
sys.modules["openlineage"] = sys.modules["airflow.providers.openlineage"] = None
from airflow import plugins_manager
from airflow.dag_processing.dagbag import DagBag
found = DagBag(dag_folder=sys.argv[1])
print(len(found.dags), found.import_errors, plugins_manager.get_import_errors())
"""
"""As if the packages were not installed."""


def test_without_the_provider_all_dags_and_plugins_work(tmp_path: Path):
    variables = {
        "AIRFLOW_HOME": str(tmp_path), "PYTHONPATH": str(ROOT), "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT, str(ROOT / "dags")], env=os.environ | variables, capture_output=True, text=True
    )
    count = len([*(ROOT / "dags").glob("[!_]*.py")])
    assert done.stdout.splitlines()[-1:] == [f"{count} {{}} {{}}"], done.stdout + done.stderr
