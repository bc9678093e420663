"""Where the embedded stack runs Spark: in the driver alone, on a cluster of its own, standalone Spark or YARN, or in
pods of a Kubernetes that somebody else runs.
"""

from pathlib import Path
from typing import Literal

import yaml

from include.driver.submit import local_master
from include.settings import Settings
from include.stack import folders
from include.stack.errors import StackError
from include.stack.machine.programs import HOST
from include.stack.ports import Ports

Embedded = Literal["local", "spark", "yarn"]
"""Those whose every process is one of the stack's."""
Engine = Literal[Embedded, "kubernetes"]
YARN_MANAGER = "yarn-resource-manager"
"""The program that clients of YARN talk to."""


def master(engine: Engine, ports: Ports, settings: Settings) -> str:
    """Spark's master. Raises StackError if the settings do not say how Kubernetes is reached."""
    match engine:
        case "local":
            return local_master(settings.topic_partitions)  # the driver takes more cores if there are more partitions
        case "spark":
            return f"spark://{HOST}:{ports.spark}"
        case "yarn":
            return "yarn"
        case "kubernetes":
            return f"k8s://{_context(settings)[0]}"


def connection_extra(engine: Engine, ports: Ports, settings: Settings) -> dict[str, str]:
    """The extra fields of Airflow's Spark connection."""
    if engine == "kubernetes":
        return {"deploy-mode": "cluster", "namespace": _context(settings)[1]}
    if engine == "yarn":
        return {"deploy-mode": "cluster", "yarn_resourcemanager_webapp_address": f"http://{HOST}:{ports.yarn_web}"}
    return {"deploy-mode": "client"}


def variables(engine: Engine, state: Path) -> dict[str, str]:
    """Variables of everyone who submits an application."""
    spark = {"SPARK_CONF_DIR": str(spark_conf(state))} if engine in ("spark", "yarn") else {}
    return spark | ({"HADOOP_CONF_DIR": str(yarn_conf(state))} if engine == "yarn" else {})


def spark_conf(state: Path) -> Path:
    """Spark's configuration folder, if there is a cluster."""
    return state / "spark" / "conf"


def yarn_conf(state: Path, program: str = YARN_MANAGER) -> Path:
    """The configuration folder of a program of YARN; clients share the ResourceManager's."""
    return state / "yarn" / program / "conf"


def ports_used(engine: Engine, settings: Settings, ports: Ports) -> dict[str, int]:
    """The ports of all servers of such a stack, by name."""
    unused = tuple(name for name in ("spark", "yarn") if name != engine)
    if not settings.metrics_statsd:
        unused += ("kafka_jmx",)
    if folders.postgres_address(settings, ports)[0] != HOST:
        unused += ("postgres",)
    return {name: port for name, port in ports.model_dump().items() if not name.startswith(unused)}


def _context(settings: Settings) -> tuple[str, str]:
    """The API server's URL and the namespace that the settings' kubeconfig names."""
    if settings.kubeconfig is None:
        raise StackError(
            "--engine kubernetes needs a Kubernetes.", "Set LOGSIEVE_KUBECONFIG and LOGSIEVE_IMAGE: docs/cluster.md."
        )
    found = yaml.safe_load(settings.kubeconfig.read_text())
    (context,) = (each["context"] for each in found["contexts"] if each["name"] == found["current-context"])
    (cluster,) = (each["cluster"] for each in found["clusters"] if each["name"] == context["cluster"])
    return cluster["server"], context.get("namespace", "default")
