"""The operator of the stream: SparkSubmitOperator, but never a second driver, a gentle end, and a quick way back."""

import logging
import time
from contextlib import closing, suppress
from functools import partial
from typing import Final

import mysql.connector
import psutil
from airflow.providers.apache.spark.hooks.spark_submit import SparkSubmitHook
from airflow.providers.apache.spark.operators.spark_submit import SparkSubmitOperator
from airflow.providers.common.sql.hooks.sql import DbApiHook
from airflow.sdk import BaseHook, Context
from airflow.sdk.exceptions import AirflowException, AirflowSkipException

from include.driver import lease
from include.driver.exit_codes import DriverEnd
from include.names import DRIVER

OWNER = "{{ dag.dag_id }} {{ run_id }}"
"""The tries of one run are one owner of the lease: the next takes over at once from the orphan of the last."""

STEADY_SECONDS: Final = 60
"""A driver that ends sooner is one of a row of failures."""
PAUSES: Final = (0, 1, 3)
"""Seconds before the next driver, by how many in a row were not steady; after these Airflow tries the task again."""


log = logging.getLogger(__name__)


class StreamOperator(SparkSubmitOperator):
    """Submits the streaming application; when the task is stopped, the driver ends by itself between two batches.

    A driver that crashed is followed by the next one in the same task, which needs neither scheduler nor API server.
    """

    _stopped = False

    def _get_hook(self) -> SparkSubmitHook:
        hook = super()._get_hook()
        # Airflow sends SIGTERM to all of a stopped task's group: it would end the JVM below its queries.
        hook.submit = partial(hook.submit, start_new_session=True)  # type: ignore[method-assign]
        return hook

    def execute(self, context: Context) -> None:
        """Raises when the task was stopped: unless a person has marked it, it is tried again, as after a restart.

        So it does when the driver has given its reason, or crashed again and again.
        """
        pauses = iter(PAUSES)
        while not self._stopped:
            begun = time.monotonic()
            try:
                super().execute(context)
            except AirflowException as error:
                if time.monotonic() - begun > STEADY_SECONDS:
                    pauses = iter(PAUSES)
                pause = next(pauses, None)
                if self._stopped or pause is None or _exit_code(self._hook) in set(DriverEnd):
                    raise
                self.log.warning("%s\nThe next driver begins in %d s.", error, pause)
                time.sleep(pause)
            else:
                break
        if self._stopped:
            raise AirflowException("stopped by a signal before its end")

    def on_kill(self) -> None:
        """Asks the driver to stop, and does not wait: it may outlive this process. In cluster mode as Spark's own."""
        self._stopped = True
        submitted = getattr(self._hook, "_submit_sp", None)
        asked = False
        for child in _children(submitted.pid) if submitted else []:
            with suppress(psutil.NoSuchProcess):  # so is a zombie
                if any(word.endswith(f"{DRIVER}.py") for word in child.cmdline()):
                    child.terminate()
                    asked = True
        if not asked:
            super().on_kill()


def _exit_code(hook: SparkSubmitHook | None) -> int | None:
    """Of the spark-submit that ended last; None where there was none."""
    submitted = getattr(hook, "_submit_sp", None)
    return submitted.returncode if submitted else None


def _children(pid: int) -> list[psutil.Process]:
    try:
        children: list[psutil.Process] = psutil.Process(pid).children()
        return children
    except psutil.NoSuchProcess:
        return []


def skip_if_another_lives(context: Context) -> None:
    """For `pre_execute`: skips the first try while the driver of another run lives and judges the logs.

    A later try had a driver that lost its lease to somebody: it raises, so that it is tried again until it is needed.
    """
    hook: DbApiHook = BaseHook.get_hook("mysql")
    try:
        with closing(hook.get_conn()) as connection, closing(connection.cursor()) as cursor:
            row = lease.read(cursor)
    except mysql.connector.Error as error:
        # No table yet, or MySQL refuses us: the driver asks by itself, waits, and says what for.
        log.info("whether another driver lives is not known: %s", error)
        return
    if row is None or not row.lives or row.owner == context["task"].render_template(OWNER, context):
        return
    lives = f"The driver {row.holder} of {row.owner} lives and judges the logs"
    if context["ti"].try_number > 1:
        raise AirflowException(f"{lives}: tried again until it has ended.")
    raise AirflowSkipException(f"{lives}: nothing to do here.")
