"""The embedded Spark cluster of `up --engine spark`: a master and two workers that share a secret with drivers.

Driver and executors encrypt what they exchange, since it contains logs and passwords. Web pages ask for a token that
nobody has.
"""

import base64
import hashlib

from include.driver import shipping
from include.stack import engines
from include.stack.environment import HOST, Environment
from include.stack.fetch import pyspark_home
from include.stack.machine import programs
from include.stack.private import write_private
from include.stack.servers import yarn_config

WORKERS = ("spark-worker-1", "spark-worker-2")
_CORES = 256
"""Task slots of a worker, most of which wait for logs: far more than this machine has cores."""
_MEMORY = "16g"


def prepare(env: Environment) -> None:
    """Writes what everything of Spark reads, on YARN too: spark-defaults.conf and the settings of logs."""
    folder = engines.spark_conf(env.state)
    folder.mkdir(parents=True, exist_ok=True)
    settings = yarn_config.spark_defaults(env) if env.engine == "yarn" else _standalone(env)
    text = "\n".join(f"{name} {value}" for name, value in settings.items())
    write_private(folder / "spark-defaults.conf", f"{text}\n")
    write_private(folder / shipping.LOGGING.name, shipping.LOGGING.read_text(encoding="utf-8"))


def _standalone(env: Environment) -> dict[str, str]:
    secret = env.passwords["spark"]
    signed = base64.urlsafe_b64encode(hashlib.sha256(f"pages {secret}".encode()).digest()).decode()
    return {
        "spark.authenticate": "true",
        "spark.authenticate.secret": secret,
        "spark.network.crypto.enabled": "true",
        "spark.ui.filters": "org.apache.spark.ui.JWSFilter",
        "spark.org.apache.spark.ui.JWSFilter.param.secretKey": signed,
        "spark.driver.host": HOST,
        "spark.driver.bindAddress": HOST,
        "spark.worker.cleanup.enabled": "true",
    }


def master(env: Environment) -> list[str]:
    """The command of the master."""
    return [*_java(env, "master.Master"), "--port", str(env.ports.spark)]


def worker(env: Environment, name: str) -> list[str]:
    """The command of a worker; `name`: one of WORKERS."""
    size = ["--cores", str(_CORES), "--memory", _MEMORY, "--work-dir", str(env.state / "spark" / name)]
    return [*_java(env, "worker.Worker"), *size, env.spark_master]


def variables(env: Environment) -> dict[str, str]:
    """Variables of both."""
    # Spark's own scripts set it; a worker that lacks it looks for a source tree.
    return {**engines.variables(env.engine, env.state), "SPARK_SCALA_VERSION": "2.13", **programs.python()}


def _java(env: Environment, name: str) -> list[str]:
    options = ["-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", f"-Djava.io.tmpdir={env.settings.scratch}"]
    classes = f"{engines.spark_conf(env.state)}:{pyspark_home.jars()}/*"
    return ["java", *options, "-cp", classes, f"org.apache.spark.deploy.{name}", "--host", HOST, "--webui-port", "0"]
