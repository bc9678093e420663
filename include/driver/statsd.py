"""How Spark tells a StatsD server about itself: properties of every application, on one machine and on a cluster."""

from typing import Final

from include import addresses
from include.settings import Settings

PREFIX: Final = "spark"
"""Begins each name; the application's follows, then `driver` or the number of an executor."""
SECONDS: Final = 10
"""How often Spark sends."""

GAUGES: Final = (
    "BlockManager", "DAGScheduler[.](job|stage)", "ExecutorMetrics", "JVMCPU", "executor[.](filesystem|threadpool)",
    "jvm", "spark[.]streaming",
)  # fmt: skip
"""Sources that StatsD gets right. The others have counters, of which Spark sends the count since its start each time,
though StatsD adds up what it gets; and sizes and rates, which it sends as milliseconds."""
_UNLIMITED: Final = "jvm[.](?!heap[.]max$).*[.]max$"
"""Limits that may be -1, for none: StatsD subtracts a gauge with a sign from the last one."""
SENT: Final = f"^(?!.*[.]{_UNLIMITED}).*[.]({'|'.join(GAUGES)})[.]"
"""A pattern of the names that are sent, as Spark has them, without PREFIX."""

_SINK: Final = "org.apache.spark.metrics.sink.StatsdSink"
_JVM: Final = "org.apache.spark.metrics.source.JvmSource"


def conf(settings: Settings, application: str) -> dict[str, str]:
    """The properties; none if LOGSIEVE_METRICS_STATSD is empty.

    By default each name would begin with the id of the application, which is another after each restart.
    """
    if not settings.metrics_statsd:
        return {}
    host, port = addresses.split(settings.metrics_statsd)
    sink = {
        "class": _SINK, "host": host, "port": str(port), "period": str(SECONDS), "unit": "seconds", "prefix": PREFIX,
        "regex": SENT,
    }  # fmt: skip
    of_each = {"source.jvm.class": _JVM} | {f"sink.statsd.{name}": value for name, value in sink.items()}
    found = {"spark.metrics.namespace": application}
    for program in ("driver", "executor"):  # by name: the master of YARN would send under the application's id
        found |= {f"spark.metrics.conf.{program}.{name}": value for name, value in of_each.items()}
    if settings.trigger != "realtime":  # there they would be 0 until a batch ends, after a day
        found["spark.sql.streaming.metricsEnabled"] = "true"
    return found
