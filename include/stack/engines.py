"""Where the embedded stack runs Spark: in the driver alone, or on a cluster of its own, standalone Spark or YARN."""

from pathlib import Path
from typing import Literal

from include.driver.submit import local_master
from include.settings import Settings
from include.stack import folders
from include.stack.machine.programs import HOST
from include.stack.ports import Ports

Engine = Literal["local", "spark", "yarn"]
YARN_MANAGER = "yarn-resource-manager"
"""The program that clients of YARN talk to."""


def master(engine: Engine, ports: Ports, partitions: int) -> str:
    """Spark's master."""
    match engine:
        case "local":
            return local_master(partitions)  # the driver takes more cores if there are more partitions
        case "spark":
            return f"spark://{HOST}:{ports.spark}"
        case "yarn":
            return "yarn"


def connection_extra(engine: Engine, ports: Ports) -> dict[str, str]:
    """The extra fields of Airflow's Spark connection."""
    if engine == "yarn":
        return {"deploy-mode": "cluster", "yarn_resourcemanager_webapp_address": f"http://{HOST}:{ports.yarn_web}"}
    return {"deploy-mode": "client"}


def variables(engine: Engine, state: Path) -> dict[str, str]:
    """Variables of everyone who submits an application."""
    spark = {} if engine == "local" else {"SPARK_CONF_DIR": str(spark_conf(state))}
    return spark | ({"HADOOP_CONF_DIR": str(yarn_conf(state))} if engine == "yarn" else {})


def spark_conf(state: Path) -> Path:
    """Spark's configuration folder, if there is a cluster."""
    return state / "spark" / "conf"


def yarn_conf(state: Path, program: str = YARN_MANAGER) -> Path:
    """The configuration folder of a program of YARN; clients share the ResourceManager's."""
    return state / "yarn" / program / "conf"


def ports_used(engine: Engine, settings: Settings, ports: Ports) -> dict[str, int]:
    """The ports of all servers of such a stack, by name."""
    unused: tuple[str, ...] = {"local": ("spark", "yarn"), "spark": ("yarn",), "yarn": ("spark",)}[engine]
    if folders.postgres_address(settings, ports)[0] != HOST:
        unused += ("postgres",)
    return {name: port for name, port in ports.model_dump().items() if not name.startswith(unused)}
