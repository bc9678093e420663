"""How Spark tells a StatsD server about itself: properties of every application, on one machine and on a cluster."""

from typing import Final

from include import addresses
from include.settings import Settings

PREFIX: Final = "spark"
"""Begins each name; the application's follows, then `driver` or the number of an executor."""
SECONDS: Final = 10
"""How often Spark sends."""

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
        "class": _SINK,
        "host": host,
        "port": str(port),
        "period": str(SECONDS),
        "unit": "seconds",
        "prefix": PREFIX,
    }
    return {
        "spark.metrics.namespace": application,
        "spark.sql.streaming.metricsEnabled": "true",
        # Of the two by name: the master of YARN would send under the application's id.
        **{
            f"spark.metrics.conf.{program}.{each}": value
            for program in ("driver", "executor")
            for each, value in (
                {f"sink.statsd.{name}": value for name, value in sink.items()} | {"source.jvm.class": _JVM}
            ).items()
        },
    }
