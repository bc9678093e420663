"""What has to be told to spark-submit before the driver's JVM is there. Everything else is set in jobs/session.py."""

import sys

from include.settings import Settings


def submit_conf(settings: Settings) -> dict[str, str]:
    """The `--conf` pairs of the streaming application on one machine.

    A real-time query holds a slot per partition of the logs for as long as it runs, so `local[n]` counts those,
    as many again for the tasks of `load`, and one that reads the users dimension.
    """
    return {
        "spark.master": f"local[{2 * settings.topic_partitions + 1}]",
        "spark.driver.memory": settings.driver_memory,
        "spark.driver.extraClassPath": str(settings.parts / "jars" / "spark" / "*"),
        "spark.pyspark.python": sys.executable,
    }
