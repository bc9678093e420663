"""The embedded YARN of `up --engine yarn`: a ResourceManager and two NodeManagers, so that executors lie on two nodes.

Without Kerberos, YARN believes every program on the machine its name of a user: it is for a machine of one's own.
"""

import shutil
from collections.abc import Mapping
from pathlib import Path
from xml.sax.saxutils import escape

from include.stack.engines import YARN_MANAGER, yarn_conf
from include.stack.environment import HOST, STACK_VARIABLE, Environment
from include.stack.fetch import pyspark_home
from include.stack.private import write_private

NODES = ("yarn-node-1", "yarn-node-2")
_NODE_MIB = 12 * 1024
"""Of each node, for all containers. What they really use is bounded one by one."""
_CORES = 256
"""Task slots of a node, most of which wait for logs: far more than this machine has cores."""


def prepare(env: Environment) -> None:
    """Writes the configuration of the managers and of those who submit.

    Forgets the applications of an earlier `up`: the ResourceManager would start them again, with the code of that time.
    """
    for name in (YARN_MANAGER, *NODES):
        for kept in ("state", "recovery", "local"):
            shutil.rmtree(env.state / "yarn" / name / kept, ignore_errors=True)
    shutil.rmtree(env.state / "yarn" / "staging", ignore_errors=True)
    for name in (YARN_MANAGER, *NODES):
        folder = _conf(env, name)
        _write(folder / "core-site.xml", {"fs.defaultFS": "file:///", "hadoop.tmp.dir": str(folder.parent / "tmp")})
        _write(folder / "yarn-site.xml", _manager(env) | (_node(env, name) if name in NODES else {}))
        _write(folder / "capacity-scheduler.xml", _SCHEDULER)
        write_private(folder / "log4j.properties", _LOG)
    (env.state / "yarn" / "staging").mkdir(exist_ok=True)


def resource_manager(env: Environment) -> list[str]:
    """The command of the ResourceManager."""
    return _java(env, YARN_MANAGER, "resourcemanager.ResourceManager")


def node_manager(env: Environment, name: str) -> list[str]:
    """The command of a NodeManager; `name`: one of NODES."""
    return _java(env, name, "nodemanager.NodeManager")


def spark_defaults(env: Environment) -> dict[str, str]:
    """Spark's properties for this YARN, whose nodes have the same folders as this machine."""
    here = {"SPARK_LOCAL_IP": HOST, "LOGSIEVE_STATE": str(env.state)}
    return {
        "spark.yarn.jars": f"local:{pyspark_home.jars()}/*",
        "spark.yarn.stagingDir": f"file:{env.state / 'yarn' / 'staging'}",
        **{f"spark.yarn.appMasterEnv.{name}": value for name, value in here.items()},
        **{f"spark.executorEnv.{name}": value for name, value in here.items()},
    }


_SCHEDULER = {
    "yarn.scheduler.capacity.root.queues": "default",
    "yarn.scheduler.capacity.root.default.capacity": "100",
    "yarn.scheduler.capacity.maximum-am-resource-percent": "1",
    # One container a heartbeat: otherwise the first node that asks gets them all.
    "yarn.scheduler.capacity.per-node-heartbeat.multiple-assignments-enabled": "false",
}
_LOG = """log4j.rootLogger=WARN,console
log4j.appender.console=org.apache.log4j.ConsoleAppender
log4j.appender.console.target=System.err
log4j.appender.console.layout=org.apache.log4j.PatternLayout
log4j.appender.console.layout.ConversionPattern=%d{ISO8601} %p %c{1}: %m%n
"""


def _manager(env: Environment) -> dict[str, str]:
    ports = env.ports
    addresses = {
        "address": ports.yarn,
        "scheduler.address": ports.yarn_scheduler,
        "resource-tracker.address": ports.yarn_tracker,
        "admin.address": ports.yarn_admin,
        "webapp.address": ports.yarn_web,
    }
    store = "org.apache.hadoop.yarn.server.resourcemanager.recovery.FileSystemRMStateStore"
    return {
        "yarn.resourcemanager.hostname": HOST,
        **{f"yarn.resourcemanager.{name}": f"{HOST}:{port}" for name, port in addresses.items()},
        # Applications go on when it is started again.
        "yarn.resourcemanager.recovery.enabled": "true",
        "yarn.resourcemanager.store.class": store,
        "yarn.resourcemanager.fs.state-store.uri": f"file:{env.state / 'yarn' / YARN_MANAGER / 'state'}",
        "yarn.resourcemanager.am.max-attempts": "100",
        "yarn.scheduler.minimum-allocation-mb": "256",
        "yarn.scheduler.maximum-allocation-mb": str(_NODE_MIB),
        "yarn.scheduler.maximum-allocation-vcores": str(_CORES),
    }


def _node(env: Environment, name: str) -> dict[str, str]:
    home, inherited = env.state / "yarn" / name, ("JAVA_HOME", "PATH", "LANG", "LC_ALL", STACK_VARIABLE)
    return {
        "yarn.nodemanager.hostname": HOST,
        "yarn.nodemanager.address": f"{HOST}:{getattr(env.ports, name.replace('-', '_'))}",
        # Containers go on while it is restarted, and it finds them again.
        "yarn.nodemanager.recovery.enabled": "true",
        "yarn.nodemanager.recovery.supervised": "true",
        "yarn.nodemanager.recovery.dir": str(home / "recovery"),
        "yarn.nodemanager.localizer.address": f"{HOST}:0",
        "yarn.nodemanager.collector-service.address": f"{HOST}:0",
        "yarn.nodemanager.webapp.address": f"{HOST}:0",
        "yarn.nodemanager.resource.memory-mb": str(_NODE_MIB),
        "yarn.nodemanager.resource.cpu-vcores": str(_CORES),
        "yarn.nodemanager.vmem-check-enabled": "false",
        "yarn.nodemanager.local-dirs": str(home / "local"),
        "yarn.nodemanager.log-dirs": str(home / "containers"),
        "yarn.nodemanager.env-whitelist": ",".join(inherited),
        # An application's logs are kept for a week; they are the driver's.
        "yarn.nodemanager.log.retain-seconds": "604800",
        # A disk that is fuller than 90 % counts as broken by default; expire_logs and watch_logs mind the disk.
        "yarn.nodemanager.disk-health-checker.enable": "false",
    }


def _conf(env: Environment, name: str) -> Path:
    folder = yarn_conf(env.state, name)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _write(path: Path, settings: Mapping[str, str]) -> None:
    properties = "".join(
        f"<property><name>{escape(name)}</name><value>{escape(value)}</value></property>\n"
        for name, value in settings.items()
    )
    write_private(path, f"<configuration>\n{properties}</configuration>\n")


def _java(env: Environment, name: str, main: str) -> list[str]:
    options = [
        "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "--add-opens=java.base/java.lang=ALL-UNNAMED",
        f"-Djava.io.tmpdir={env.settings.scratch}",
    ]  # fmt: skip
    classes = f"{_conf(env, name)}:{env.settings.parts / 'yarn' / 'yarn'}/*"
    return ["java", *options, "-cp", classes, f"org.apache.hadoop.yarn.server.{main}"]
