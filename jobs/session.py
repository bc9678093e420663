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
    # Nothing here shuffles; 200 empty tasks would be all that the default brings.
    "spark.sql.shuffle.partitions": "2",
    # Checkpoints are thrown away at each start. Written the usual way, Hadoop starts ten processes (readlink, chmod) at
    # each of a batch's two files, which took a third of a small batch; so it starts one.
    "spark.sql.streaming.checkpointFileManagerClass": (
        "org.apache.spark.sql.execution.streaming.checkpointing.FileSystemBasedCheckpointFileManager"
    ),
    "spark.hadoop.fs.file.impl": "org.apache.hadoop.fs.RawLocalFileSystem",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.log.level": "WARN",
    # For a line number in errors, PySpark would ask Java four things for each column that is made.
    "spark.python.sql.dataFrameDebugging.enabled": "false",
}


def build(name: str, partitions: int | None = None) -> SparkSession:
    """The session, with what a conf on the command line of spark-submit cannot better. `name` shows in its logs.

    `partitions`: how many the stream reads; on one machine it gets slots enough for these, whatever --master says.
    """
    builder = SparkSession.builder.appName(name)
    if partitions is not None and _is_local():
        builder = builder.master(local_master(partitions))
    if not _of_a_cluster():
        # Else any local user may send Java objects to the driver's port. Spark makes the secret itself; one of a
        # cluster of Spark's own is that cluster's, and so is this setting.
        builder = builder.config("spark.authenticate", "true")
    for key, value in CONF.items():
        builder = builder.config(key, value)
    return builder.getOrCreate()


def take_scratch(spark: SparkSession, settings: Settings, application: str) -> Callable[[], None]:
    """Has Python too write its temporary files to the application's scratch folder, where submit_conf sends Spark's.

    What it gives empties that folder of what others have left that were killed: for whoever knows that none lives.
    """
    begun = psutil.Process(process(spark)).create_time()
    scratch.make(settings, application)
    own = scratch.folder(settings, application)
    tempfile.tempdir = str(own)
    return partial(scratch.empty, own, begun)


def jvm(spark: SparkSession) -> JVMView:
    """The driver's JVM: PySpark has no public way to a Java class."""
    found = spark._jvm
    assert found is not None  # noqa: S101  # only Spark Connect has none
    return found


def java_class(spark: SparkSession, name: str) -> Any:
    """The java.lang.Class of that name, initialised; also of a class that came with the application's jars."""
    lang = jvm(spark).java.lang
    return lang.Class.forName(name, True, lang.Thread.currentThread().getContextClassLoader())


def heap(spark: SparkSession) -> int:
    """How many bytes the driver's JVM may take for its objects."""
    return int(jvm(spark).java.lang.Runtime.getRuntime().maxMemory())


def process(spark: SparkSession) -> int:
    """The process id of the driver's JVM."""
    return int(jvm(spark).java.lang.ProcessHandle.current().pid())


def _is_local() -> bool:
    return _master().startswith("local")


def _of_a_cluster() -> bool:
    return _master().startswith("spark://")


def _master() -> str:
    SparkContext._ensure_initialized()  # only the JVM knows what spark-submit was told, and PySpark has no public way
    return SparkConf().get("spark.master", "") or ""
