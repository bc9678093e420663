"""Spark's task slots: how many the stream needs for its partitions, and executors that have as many."""

import time
from collections.abc import Callable
from typing import Final

from pyspark.sql import SparkSession

from include import retries
from include.driver.exit_codes import DriverEnd
from include.driver.submit import is_local, local_master
from include.settings import Settings, Trigger
from jobs import session
from jobs.ends import EndError

_SECONDS: Final = 300
"""How long a busy cluster may take to start the executors."""


class TooFewSlotsError(EndError):
    """The executors of the settings have fewer slots than the stream needs, or the cluster has not started them."""

    exit_code = DriverEnd.NOT_PROVISIONED


def conf(settings: Settings, master: str, partitions: int, trigger: Trigger) -> dict[str, str]:
    """Spark's properties for the stream: on one machine the master, on a cluster the executors.

    Raises TooFewSlotsError, with the sum, if `executors` and `executor_cores` are set too low.
    """
    if is_local(master):
        return {"spark.master": local_master(partitions)}
    needed, why = _needed(partitions, trigger)
    executors = settings.executors
    cores = settings.executor_cores or -(-needed // executors)
    if executors * cores < needed:
        raise TooFewSlotsError(
            f"{executors} executors with {cores} cores have {executors * cores} task slots, but the stream needs"
            f" {needed}: {why}. Set LOGSIEVE_EXECUTOR_CORES={-(-needed // executors)}, or leave it out, or raise"
            " LOGSIEVE_EXECUTORS"
        )
    return {
        "spark.executor.instances": str(executors),
        "spark.executor.cores": str(cores),
        "spark.cores.max": str(executors * cores),  # of a standalone cluster, which ignores the number of executors
        "spark.executor.memory": settings.executor_memory,
        # A task that is tried again begins where its batch began, minutes ago: its old verdicts would follow, and undo,
        # corrections. A query that fails is started after its last verdict instead.
        "spark.task.maxFailures": "1",
    }


def wait(spark: SparkSession, pause: Callable[[float], object] = time.sleep) -> None:
    """Waits for the executors of `conf`; on one machine there is nothing to wait for. Raises TooFewSlotsError.

    `pause` waits for the given seconds and may raise.
    """
    context = spark.sparkContext
    if session.is_local(spark):
        return
    wanted = int(context.getConf().get("spark.executor.instances", "1") or "1")

    def late(found: int) -> TooFewSlotsError:
        return TooFewSlotsError(
            f"after {_SECONDS} s the cluster runs {found} of {wanted} executors, each with"
            f" {context.getConf().get('spark.executor.cores')} cores and"
            f" {context.getConf().get('spark.executor.memory')} of memory: free or add resources there, or ask for"
            " fewer with LOGSIEVE_EXECUTORS, LOGSIEVE_EXECUTOR_CORES and LOGSIEVE_EXECUTOR_MEMORY"
        )

    # The driver is in the list too.
    count = lambda: len(context._jsc.sc().statusTracker().getExecutorInfos()) - 1  # type: ignore[union-attr]  # noqa: E731
    retries.until(count, _SECONDS, late, done=lambda found: found >= wanted, pause=0.3, sleep=pause)


def _needed(partitions: int, trigger: Trigger) -> tuple[int, str]:
    match trigger:
        case "realtime":
            return 2 * partitions + 1, f"classify {partitions} and load {partitions}, one for each partition, users 1"
        case "interval":
            return partitions + 2, f"load {partitions}, one for each partition, classify 1, users 1"
        case "available-now":
            return 1, "one for any task"
