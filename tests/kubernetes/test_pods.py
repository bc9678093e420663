"""The stream as pods: what they may and show, and what follows when one of them, or Kubernetes itself, dies."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from include.driver import pods
from tests.clusters import cluster as processes
from tests.clusters.test_deaths import epoch, prove
from tests.integration.stack import Stack, drivers, until, wait_until_it_loads
from tests.kubernetes.cluster import NAMESPACE, Cluster

ROLES = ("driver", "executor")


@pytest.fixture
def loading(stack: Stack) -> Stack:
    wait_until_it_loads(stack)
    return stack


def spark(pod: dict[str, Any]) -> dict[str, Any]:
    (found,) = (each for each in pod["spec"]["containers"] if each["name"] == pods.CONTAINER)
    return found


def test_driver_and_executors_are_pods(loading: Stack, cluster: Cluster) -> None:
    assert [len(cluster.pods(role)) for role in ROLES] == [1, 2]
    assert len(drivers(loading)) == 1


@pytest.mark.parametrize("role", ROLES)
def test_a_pod_has_few_rights(loading: Stack, cluster: Cluster, role: str) -> None:
    for pod in cluster.pods(role):
        security = spark(pod)["securityContext"]
        assert security["capabilities"] == {"drop": ["ALL"]}
        assert (security["allowPrivilegeEscalation"], security["readOnlyRootFilesystem"]) == (False, True)
        assert pod["spec"]["securityContext"]["runAsNonRoot"] is True
        assert pod["spec"]["serviceAccountName"] == f"logsieve-{role}"
        tokens = [each for each in pod["spec"]["volumes"] if "projected" in each]
        assert len(tokens) == (1 if role == "driver" else 0), "only a driver talks to the API server"
        written = cluster.kubectl("exec", pod["metadata"]["name"], "-c", pods.CONTAINER, "--", "id", "-u")
        assert written.strip() == "50000"


@pytest.mark.parametrize("account", ["airflow", *ROLES])
def test_an_account_may_not_read_secrets(cluster: Cluster, stack: Stack, account: str) -> None:
    user = f"system:serviceaccount:{NAMESPACE}:logsieve-{account}"
    for verb, what in (("get", "secrets"), ("list", "secrets"), ("create", "rolebindings"), ("get", "nodes")):
        asked = ("-n", NAMESPACE, "auth", "can-i", verb, what, f"--as={user}")
        assert cluster.node.kubectl(*asked, check=False).strip() == "no", f"{account}: {verb} {what}"


def test_no_password_is_in_an_object_but_the_secret(loading: Stack, cluster: Cluster) -> None:
    secret = json.loads(cluster.kubectl("get", "secret", pods.SECRET, "-o", "json"))["data"]
    assert {"logsieve_kafka_password", "logsieve_mysql_stream_password", "spark_secret"} < secret.keys()
    shown = cluster.kubectl("get", "pods,services,configmaps,events", "-o", "json")
    hidden = [*pods.secret(loading.env.reaching("stream")).items()]
    passwords = [value.decode() for name, value in hidden if name.endswith(("password", "secret"))]
    assert not [each for each in passwords if each in shown]


def test_a_driver_that_is_deleted_is_followed_by_another_one(loading: Stack, cluster: Cluster) -> None:
    since, before = loading.now(), epoch(loading)
    (driver,) = cluster.pods("driver")
    cluster.kubectl("delete", "pod", driver["metadata"]["name"], "--wait=false")
    until(lambda: epoch(loading) > before, 120, "the next driver has the lease")
    wait_until_it_loads(loading)
    prove(loading, since)


def test_an_executor_that_is_deleted_is_replaced(loading: Stack, cluster: Cluster) -> None:
    since, before = loading.now(), epoch(loading)
    gone, *_ = (pod["metadata"]["name"] for pod in cluster.pods("executor"))
    cluster.kubectl("delete", "pod", gone, "--wait=false")
    until(lambda: len(processes.executors(loading)) == 2 and len(cluster.pods("executor")) == 2, 60, "there are two")
    assert gone not in {pod["metadata"]["name"] for pod in cluster.pods("executor")}
    loading.generate(500)
    prove(loading, since)
    assert epoch(loading) == before, "the driver is the same"


@pytest.fixture
def without_its_plane(loading: Stack, cluster: Cluster) -> Iterator[Stack]:
    """The stream while etcd, API server and kubelet are away; the others of the node fail meanwhile."""
    names = ("etcd", "apiserver", "kubelet")
    cluster.node.kill(*reversed(names))
    yield loading
    cluster.node.start(*(name for name in names if not cluster.node.runs(name)))
    cluster.node.wait_until_ready()


def test_the_stream_goes_on_without_kubernetes(without_its_plane: Stack, cluster: Cluster) -> None:
    stack, since, before = without_its_plane, without_its_plane.now(), epoch(without_its_plane)
    stack.generate(500)
    prove(stack, since)
    cluster.node.start("etcd", "apiserver", "kubelet")
    cluster.node.wait_until_ready()
    until(lambda: stack.status().healthy, 60, "Airflow follows the driver again")
    assert epoch(stack) == before, "the driver is the same"
    assert len(cluster.pods("driver")) == 1


def test_a_driver_that_dies_without_kubernetes_is_followed_once_it_is_back(
    without_its_plane: Stack, cluster: Cluster
) -> None:
    stack, since, before = without_its_plane, without_its_plane.now(), epoch(without_its_plane)
    (driver,) = drivers(stack)
    driver.kill()
    cluster.node.start("etcd", "apiserver", "kubelet")
    cluster.node.wait_until_ready()
    until(lambda: epoch(stack) > before, 180, "the next driver has the lease")
    wait_until_it_loads(stack)
    prove(stack, since)
