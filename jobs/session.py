"""The SparkSession of every job."""

import socket
import tempfile
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

import psutil
from py4j.java_gateway import JVMView
from pyspark import SparkConf, SparkContext
from pyspark.sql import SparkSession

from include import scratch
from include.driver import submit
from include.driver.lease import Holder
from include.settings import Settings

CONF: Final = {
    "spark.sql.session.timeZone": "UTC",
    # Nothing here shuffles; the default would only add 200 empty tasks.
    "spark.sql.shuffle.partitions": "2",
    # Checkpoints are deleted at each start. By default Hadoop starts ten processes (readlink, chmod) for each of a
    # batch's two files, which took a third of a small batch; these settings reduce that to one.
    "spark.sql.streaming.checkpointFileManagerClass": (
        "org.apache.spark.sql.execution.streaming.checkpointing.FileSystemBasedCheckpointFileManager"
    ),
    "spark.hadoop.fs.file.impl": "org.apache.hadoop.fs.RawLocalFileSystem",
    # Hadoop sets modes itself, whatever the umask: by default every user may read the checkpoints.
    "spark.hadoop.fs.permissions.umask-mode": "077",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.log.level": "WARN",
    # For a line number in errors, PySpark would make four calls to Java for each column.
    "spark.python.sql.dataFrameDebugging.enabled": "false",
}


def build(name: str, more: Mapping[str, str] | None = None) -> SparkSession:
    """Builds the session, with settings that need not differ between calls of spark-submit. `name` shows in its logs.

    `more`: further settings; jobs/driver/slots.py has those for the number of partitions.
    """
    builder = SparkSession.builder.appName(name)
    if not master().startswith("spark://"):
        # Otherwise any local user may send Java objects to the driver's port. Spark generates the secret itself; a
        # standalone cluster has its own secret, so there this setting is left to the cluster.
        builder = builder.config("spark.authenticate", "true")
    for key, value in (CONF | dict(more or {})).items():
        builder = builder.config(key, value)
    return builder.getOrCreate()


def take_scratch(spark: SparkSession, settings: Settings, application: str) -> Callable[[], None]:
    """Makes Python write temporary files to the application's scratch folder, as submit_conf does for Spark.

    Returns a function that deletes the files that killed runs left in it; call it only if no other run is alive.
    """
    begun = psutil.Process(process(spark)).create_time()
    scratch.make(settings, application)
    own = scratch.folder(settings, application)
    tempfile.tempdir = str(own)
    return partial(scratch.empty, own, begun)


def jvm(spark: SparkSession) -> JVMView:
    """The driver's JVM: PySpark has no public access to Java classes."""
    found = spark._jvm
    assert found is not None  # noqa: S101  # only Spark Connect has none
    return found


def java_class(spark: SparkSession, name: str) -> Any:
    """The java.lang.Class of that name, initialised; also of a class in the application's jars."""
    lang = jvm(spark).java.lang
    return lang.Class.forName(name, True, lang.Thread.currentThread().getContextClassLoader())


def is_local(spark: SparkSession) -> bool:
    """Whether the driver executes all tasks itself, on one machine."""
    return submit.is_local(spark.sparkContext.master or "")


def heap(spark: SparkSession) -> int:
    """The maximum heap in bytes of the JVMs that read Kafka: the driver's, or an executor's if that is smaller."""
    found = int(jvm(spark).java.lang.Runtime.getRuntime().maxMemory())
    if is_local(spark):
        return found
    memory = spark.conf.get("spark.executor.memory", "1g")
    return min(found, int(jvm(spark).org.apache.spark.network.util.JavaUtils.byteStringAsBytes(memory)))


def slots_elsewhere(spark: SparkSession) -> int:
    """Number of task slots of a cluster's executors; 0 on one machine, where the driver executes all tasks itself."""
    if is_local(spark):
        return 0
    conf = spark.sparkContext.getConf()
    return int(conf.get("spark.executor.instances", "1") or 1) * int(conf.get("spark.executor.cores", "1") or 1)


def holder(spark: SparkSession) -> Holder:
    """This driver, as the holder of a lease: the JVM, which may judge for seconds after this Python process is killed.

    On a cluster with the id by which Airflow follows it: on YARN the application's, on Kubernetes `namespace:pod`, in
    which the driver is in client mode.
    """
    conf = spark.sparkContext.getConf()
    application = ""
    if pod := conf.get("spark.kubernetes.driver.pod.name"):
        application = f"{conf.get('spark.kubernetes.namespace', 'default')}:{pod}"
    elif conf.get("spark.submit.deployMode") == "cluster":
        application = spark.sparkContext.applicationId
    return Holder(socket.gethostname(), process(spark), application)


def process(spark: SparkSession) -> int:
    """The process id of the driver's JVM."""
    return int(jvm(spark).java.lang.ProcessHandle.current().pid())


def master() -> str:
    """The Spark master that spark-submit was given, also before there is a session."""
    SparkContext._ensure_initialized()  # only the JVM has spark-submit's options; PySpark has no public access
    return SparkConf().get("spark.master", "") or ""
