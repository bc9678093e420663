"""Where a stack's Spark runs: what it is called, and which ports that takes."""

import json
from pathlib import Path

import pytest

from include.settings import Settings
from include.stack import engines
from include.stack.errors import StackError
from include.stack.ports import Ports

PORTS = Ports.model_construct(**{name: number for number, name in enumerate(Ports.model_fields, 10_000)})


@pytest.fixture
def kubeconfig(tmp_path: Path) -> Path:
    """With two clusters, of which the current context names the second."""
    content = {
        "clusters": [{"name": name, "cluster": {"server": f"https://{name}:6443"}} for name in ("one", "two")],
        "contexts": [
            {"name": "first", "context": {"cluster": "one", "user": "me"}},
            {"name": "second", "context": {"cluster": "two", "user": "me", "namespace": "logs"}},
        ],
        "current-context": "second",
    }
    file = tmp_path / "kubeconfig"
    file.write_text(json.dumps(content))
    return file


def test_kubernetes_is_what_the_kubeconfig_names(kubeconfig: Path) -> None:
    settings = Settings(kubeconfig=kubeconfig)
    assert engines.master("kubernetes", PORTS, settings) == "k8s://https://two:6443"
    assert engines.connection_extra("kubernetes", PORTS, settings) == {"deploy-mode": "cluster", "namespace": "logs"}
    assert engines.variables("kubernetes", Path("/state")) == {}


def test_kubernetes_without_a_kubeconfig_names_the_setting() -> None:
    with pytest.raises(StackError) as found:
        engines.master("kubernetes", PORTS, Settings())
    assert "LOGSIEVE_KUBECONFIG" in found.value.remedy


@pytest.mark.parametrize(
    ("engine", "clusters"), [("local", []), ("spark", ["spark"]), ("yarn", ["yarn"]), ("kubernetes", [])]
)
def test_a_stack_takes_the_ports_of_its_own_cluster_only(engine: engines.Engine, clusters: list[str]) -> None:
    used = engines.ports_used(engine, Settings(), PORTS)
    assert {name.split("_")[0] for name in used if name.startswith(("spark", "yarn"))} == set(clusters)
    assert "kafka" in used
