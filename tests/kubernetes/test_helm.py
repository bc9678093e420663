"""Airflow by its official Helm chart with our values, as Helm renders it and as the API server takes it.

The chart is not ours, so these tests need one: LOGSIEVE_AIRFLOW_CHART=/path/to/airflow-1.22.0.tgz.
"""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from include.driver import pods
from include.settings import Settings
from include.stack.containers.kubernetes import objects
from tests.kubernetes import chart
from tests.kubernetes.cluster import Cluster

GIVEN = os.environ.get(chart.VARIABLE, "")
NAMESPACE = "logsieve-helm"
OURS = {"logsieve-airflow", "logsieve-page", pods.SECRET}
"""The Secrets that a person makes: docs/cluster.md."""

pytestmark = pytest.mark.skipif(not GIVEN, reason=f"Set {chart.VARIABLE} to Airflow's Helm chart, a folder or archive.")


@pytest.fixture(scope="module")
def rendered(cluster: Cluster) -> str:
    cluster.node.kubectl("create", "namespace", NAMESPACE)
    cluster.node.kubectl("apply", "-f", "-", input=objects(Settings(), NAMESPACE))
    return chart.render(GIVEN, NAMESPACE)


@pytest.fixture(scope="module")
def made(rendered: str) -> list[dict[str, Any]]:
    return [each for each in yaml.safe_load_all(rendered) if each]


@pytest.fixture(scope="module")
def task(made: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    (config,) = (each for each in made if each["kind"] == "ConfigMap")
    return chart.pod_of_a_task(config["data"], tmp_path_factory.mktemp("airflow"))


@pytest.fixture(scope="module")
def specs(made: list[dict[str, Any]], task: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Of all pods, by name."""
    found = {
        each["metadata"]["name"]: each["spec"]["template"]["spec"]
        for each in made
        if "template" in each.get("spec", {})
    }
    return found | {"task": task["spec"]}


def containers(spec: dict[str, Any]) -> list[dict[str, Any]]:
    return [*spec.get("initContainers", []), *spec["containers"]]


def of_secrets(spec: dict[str, Any]) -> Iterator[str]:
    """The Secrets that a pod reads."""
    for volume in spec["volumes"]:
        if "secret" in volume:
            yield volume["secret"]["secretName"]
        yield from (each["secret"]["name"] for each in volume.get("projected", {}).get("sources", []))
    for variable in (each for container in containers(spec) for each in container["env"]):
        if "valueFrom" in variable:
            yield variable["valueFrom"]["secretKeyRef"]["name"]


def made_by_a_dry_run(cluster: Cluster, manifest: str) -> list[str]:
    """What the API server would make. If it refuses, the test fails with its reason."""
    try:
        done = cluster.node.kubectl("-n", NAMESPACE, "apply", "--dry-run=server", "-f", "-", input=manifest)
    except subprocess.CalledProcessError as error:
        pytest.fail(error.stderr)
    return [line for line in done.splitlines() if line.endswith("created (server dry run)")]


def test_the_api_server_accepts_all(cluster: Cluster, rendered: str, made: list[dict[str, Any]]) -> None:
    assert len(made_by_a_dry_run(cluster, rendered)) == len(made) > 10


def test_the_api_server_accepts_the_pod_of_a_task(cluster: Cluster, task: dict[str, Any]) -> None:
    assert len(made_by_a_dry_run(cluster, json.dumps(task))) == 1
    assert task["spec"]["serviceAccountName"] == "logsieve-airflow"


def test_the_components_are_those_that_we_run(specs: dict[str, dict[str, Any]]) -> None:
    names = {"api-server", "scheduler", "dag-processor", "triggerer", "run-airflow-migrations"}
    assert specs.keys() == {f"airflow-{name}" for name in names} | {"task"}


def test_all_pods_have_our_image_and_few_rights(specs: dict[str, dict[str, Any]]) -> None:
    values = yaml.safe_load(chart.VALUES.read_text())
    image = f"{values['defaultAirflowRepository']}:{values['defaultAirflowTag']}"
    for name, spec in specs.items():
        assert spec["securityContext"] == values["securityContexts"]["pod"], name
        assert spec["enableServiceLinks"] is False, name
        for container in containers(spec):
            assert container["image"] == image, name
            assert container["securityContext"] == values["securityContexts"]["containers"], name
            assert {"name": "LOGSIEVE_IMAGE", "value": image} in container["env"], name


def test_all_pods_read_secrets_that_a_person_makes(specs: dict[str, dict[str, Any]]) -> None:
    read = {name: set(of_secrets(spec)) for name, spec in specs.items()}
    assert set().union(*read.values()) == OURS
    assert {name for name, secrets in read.items() if pods.SECRET in secrets} == {"task"}
    assert {name for name, secrets in read.items() if "logsieve-page" in secrets} == {"airflow-api-server", "task"}


def test_who_needs_no_token_has_none(made: list[dict[str, Any]]) -> None:
    accounts = {each["metadata"]["name"]: each for each in made if each["kind"] == "ServiceAccount"}
    with_token = {name for name, each in accounts.items() if each.get("automountServiceAccountToken", True)}
    assert with_token == {"airflow-scheduler", "airflow-api-server"}


def test_nothing_is_written_but_to_volumes(specs: dict[str, dict[str, Any]]) -> None:
    for name, spec in specs.items():
        mounts = {each["mountPath"]: each.get("readOnly", False) for each in spec["containers"][0]["volumeMounts"]}
        assert {path for path, read_only in mounts.items() if not read_only} >= {"/tmp", "/opt/logsieve/state"}, name
        assert Path("/opt/logsieve") not in map(Path, mounts), f"{name}: the code of the image is hidden"
