"""The SparkSession of every job."""

import tempfile
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import psutil
from py4j.java_gateway import JVMView
from pyspark import SparkConf, SparkContext
from pyspark.sql import SparkSession

from include import scratch
from include.driver.submit import local_master
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


def build(name: str, partitions: int | None = None) -> SparkSession:
    """Builds the session, with settings that need not differ between calls of spark-submit. `name` shows in its logs.

    `partitions`: how many the stream reads; on one machine the session has enough slots for them, whatever --master is.
    """
    builder = SparkSession.builder.appName(name)
    if partitions is not None and _is_local():
        builder = builder.master(local_master(partitions))
    if not _of_a_cluster():
        # Otherwise any local user may send Java objects to the driver's port. Spark generates the secret itself; a
        # standalone cluster has its own secret, so there this setting is left to the cluster.
        builder = builder.config("spark.authenticate", "true")
    for key, value in CONF.items():
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


def heap(spark: SparkSession) -> int:
    """The maximum heap of the driver's JVM in bytes."""
    return int(jvm(spark).java.lang.Runtime.getRuntime().maxMemory())


def process(spark: SparkSession) -> int:
    """The process id of the driver's JVM."""
    return int(jvm(spark).java.lang.ProcessHandle.current().pid())


def _is_local() -> bool:
    return _master().startswith("local")


def _of_a_cluster() -> bool:
    return _master().startswith("spark://")


def _master() -> str:
    SparkContext._ensure_initialized()  # only the JVM has spark-submit's options; PySpark has no public access
    return SparkConf().get("spark.master", "") or ""
