"""What has to be told to spark-submit before the driver's JVM is there. Everything else is set in jobs/session.py."""

import sys

from include.settings import ROOT, Settings


def local_master(settings: Settings) -> str:
    """The master for one machine.

    A real-time query holds a slot per partition of the logs for as long as it runs, so `local[n]` counts those,
    as many again for the tasks of `load`, and one that reads the users dimension.
    """
    return f"local[{2 * settings.topic_partitions + 1}]"


def submit_conf(settings: Settings) -> dict[str, str]:
    """The `--conf` pairs of the streaming application; the master is the Spark connection's."""
    return {
        "spark.driver.memory": settings.driver_memory,
        # A long error text once overflowed the stack of a query's thread, which then ended without a word.
        "spark.driver.extraJavaOptions": f"-Xss8m -Dlog4j2.configurationFile={ROOT}/jobs/log4j2.properties",
        "spark.driver.extraClassPath": str(settings.parts / "jars" / "spark" / "*"),
        "spark.pyspark.python": sys.executable,
    }
