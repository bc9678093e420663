"""Where the loops of load run: in threads of the driver on one machine, in tasks of Spark's executors on a cluster.

This is the only place that decides it. A loop is the same in both.
"""

import dataclasses
import logging
import os
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from py4j.protocol import Py4JJavaError
from pyspark.sql import SparkSession

from include.clients.outside import Outside
from include.settings import Settings
from jobs import session
from jobs.database import Database, cut
from jobs.driver import positions
from jobs.loading.loop import Loop

_STEADY_SECONDS: Final = 60
_MOST_FAILURES: Final = 4
"""Tasks of one partition that may fail in a row, each within _STEADY_SECONDS, as Spark itself allows by default."""
_PAUSE_SECONDS: Final = 1

_log = logging.getLogger("logsieve.load")


class Place(Protocol):
    """Runs loops, each in a thread of the caller's. `stop_seconds`: how long an ended loop may finish its work."""

    @property
    def stop_seconds(self) -> float:
        """See above."""

    def run(self, loop: Loop, ended: threading.Event, on_written: Callable[[], None]) -> None:
        """Runs a loop until it ends; raises what it raises."""

    def cut(self, group: str) -> None:
        """Makes the loops of a group fail at once; MySQL rolls back what is not committed."""


def of(spark: SparkSession, outside: Outside, database: Database) -> Place:
    """The place for this session's master."""
    return OnDriver(outside, database) if session.is_local(spark) else OnExecutors(spark)


@dataclass(frozen=True)
class OnDriver:
    """The thread itself."""

    outside: Outside
    database: Database
    stop_seconds: float = 3
    """MySQL may block a transaction indefinitely, for example at a lock."""

    def run(self, loop: Loop, ended: threading.Event, on_written: Callable[[], None]) -> None:
        """See Place."""
        loop.run(self.outside, self.database, ended, on_written)

    def cut(self, group: str) -> None:
        """See Place."""
        cut(f"{group}-")


@dataclass(frozen=True)
class OnExecutors:
    """One Spark job with one task for each loop, so that an executor that dies ends only its own loops."""

    spark: SparkSession
    stop_seconds: float = 0
    """Nothing tells a task to finish: its transaction is rolled back."""

    def run(self, loop: Loop, ended: threading.Event, on_written: Callable[[], None]) -> None:
        """See Place; `on_written` is called once, when the task has run for long enough to have written."""
        failures = 0
        while not ended.is_set():
            begun = time.monotonic()
            try:
                error = self._run(loop, on_written)
            except Py4JJavaError as failure:
                if ended.is_set():
                    return
                failures = 1 if time.monotonic() - begun > _STEADY_SECONDS else failures + 1
                if failures == _MOST_FAILURES:
                    raise
                _log.warning(
                    "the task that loads partition %d is started again: %s", loop.partition, _first_line(failure)
                )
                ended.wait(_PAUSE_SECONDS)
            else:
                if error is not None:
                    raise error
                return

    def _run(self, loop: Loop, on_written: Callable[[], None]) -> Exception | None:
        context = self.spark.sparkContext
        context.addJobTag(loop.group)
        context.setJobDescription(f"load partition {loop.partition}")
        steady = threading.Timer(_STEADY_SECONDS, on_written)
        steady.daemon = True
        steady.start()
        try:
            (error,) = context.parallelize([loop], 1).map(run_on_executor).collect()
        finally:
            steady.cancel()
        found: Exception | None = error
        return found

    def cut(self, group: str) -> None:
        """See Place."""
        self.spark.sparkContext.cancelJobsWithTag(group)


def run_on_executor(loop: Loop) -> Exception | None:
    """Runs a loop in a task, after what is loaded now: Spark starts a task again whose executor has died.

    Returns the error, since Spark would start a task that raises again, and its driver would see only a text.
    """
    tempfile.tempdir = os.getcwd()  # noqa: PTH109  # it belongs to the application, and the cluster removes it
    settings = Settings()
    outside, database = Outside(settings), Database.of(settings)
    try:
        begin = positions.of_verdicts(database, outside)[loop.partition]
        dataclasses.replace(loop, begin=begin).run(outside, database, threading.Event())
    except Exception as error:  # noqa: BLE001  # the driver raises it
        return error
    return None


def _first_line(failure: Py4JJavaError) -> str:
    return str(failure.java_exception.getMessage()).splitlines()[0]
