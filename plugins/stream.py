"""The stream's operator: a SparkJobOperator with a single driver, a graceful stop and fast restarts."""

import logging
import time
from contextlib import closing, suppress
from functools import partial
from typing import Final

import mysql.connector
import psutil
from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowException, AirflowSkipException

from include.clients.outside import Outside
from include.driver import lease
from include.driver.exit_codes import DriverEnd
from include.names import DRIVER
from include.settings import Settings
from plugins import metadata
from plugins.outside import Connections
from plugins.spark_job import SparkJobOperator, exit_code, runs_elsewhere
from plugins.spark_provider import SparkSubmitHook

OWNER = "{{ dag.dag_id }} {{ run_id }}"
"""All tries of a run share one lease owner, so the next try takes over at once from an orphaned driver."""

STEADY_SECONDS: Final = 60
"""A driver that fails sooner counts as part of a series of failures."""
PAUSES: Final = (0, 1, 3)
"""Seconds before the next driver, by the number of consecutive early failures; then Airflow retries the task."""


log = logging.getLogger(__name__)


class StreamOperator(SparkJobOperator):
    """Submits the streaming application; if the task is stopped, the driver exits cleanly between two batches.

    A crashed driver is restarted within the same task, which needs neither scheduler nor API server.
    """

    _stopped = False
    _task: tuple[str, str] | None = None
    """Airflow's metadata and the id of this task there. Looked up early: on_kill may interrupt a request to Airflow."""

    def _get_hook(self) -> SparkSubmitHook:
        hook = super()._get_hook()
        # Airflow sends SIGTERM to a stopped task's whole process group: it would kill the JVM under its queries.
        hook.submit = partial(hook.submit, start_new_session=True)  # type: ignore[method-assign]
        return hook

    def execute(self, context: Context) -> None:
        """Raises if the task was stopped: Airflow retries it unless a user has marked it.

        Also raises if the driver exited with another code of DriverEnd than OTHER_CONTRACT, or crashed repeatedly.
        """
        with suppress(AirflowSkipException):  # no connection to the metadata
            self._task = metadata.address(), str(context["ti"].id)
        pauses = iter(PAUSES)
        while not self._stopped:
            begun = time.monotonic()
            try:
                super().execute(context)
            except (AirflowException, RuntimeError) as error:  # Spark's operator has both
                if time.monotonic() - begun > STEADY_SECONDS:
                    pauses = iter(PAUSES)
                pause, code = next(pauses, None), exit_code(self._hook, error)
                if self._stopped or pause is None or code in set(DriverEnd) - {DriverEnd.OTHER_CONTRACT}:
                    raise
                if code == DriverEnd.OTHER_CONTRACT:
                    self._hook = None  # the next one is submitted with the contract that is in effect by now
                self.log.warning("%s\nThe next driver begins in %d s.", error, pause)
                time.sleep(pause)
            else:
                break
        if self._stopped:
            raise AirflowException("stopped by a signal before its end")

    def on_kill(self) -> None:
        """Asks the driver to stop without waiting: it may outlive this process.

        A driver on a cluster is only asked if somebody has marked the task: if Airflow itself stops, it goes on.
        """
        self._stopped = True
        if runs_elsewhere(self._hook):
            if self._is_marked():
                with closing(Outside(Settings()).mysql("stream", autocommit=True)) as connection:
                    lease.ask_to_stop(connection.cursor())
            else:
                self.log.info("The application goes on: ./logsieve stream stop stops it.")
            return
        submitted = getattr(self._hook, "_submit_sp", None)
        asked = False
        for child in _children(submitted.pid) if submitted else []:
            with suppress(psutil.NoSuchProcess):  # also raised for a zombie
                if any(word.endswith(f"{DRIVER}.py") for word in child.cmdline()):
                    child.terminate()
                    asked = True
        if not asked:
            super().on_kill()

    def _is_marked(self) -> bool:
        """Whether Airflow's metadata say that this task has ended; False if they do not answer."""
        import psycopg2

        try:
            return self._task is not None and not metadata.is_running(*self._task)
        except psycopg2.Error as error:
            self.log.warning("It is unknown whether somebody has marked the task: %s", error)
            return False


def _children(pid: int) -> list[psutil.Process]:
    try:
        children: list[psutil.Process] = psutil.Process(pid).children()
        return children
    except psutil.NoSuchProcess:
        return []


def look_for_a_living_driver(context: Context) -> None:
    """For `pre_execute`: a second driver never starts beside a living one.

    The task follows a living application of a cluster, whichever run started it, unless this run shall end by itself.
    Otherwise a first try is skipped while another run's driver is alive. On a later try, this run's driver has lost its
    lease to another run: it raises, so that Airflow keeps retrying.
    """
    try:
        with closing(Connections().mysql()) as connection, closing(connection.cursor()) as cursor:
            row = lease.read(cursor)
    except mysql.connector.Error as error:
        # No table yet, or MySQL refuses us: the driver checks the lease itself, waits, and logs what for.
        log.info("It is unknown whether another driver is alive: %s", error)
        return
    if row is None or not row.is_alive:
        return
    is_ours = row.owner == context["task"].render_template(OWNER, context)
    application, store = row.holder.application, context.get("task_state_store")
    if application and store and (is_ours or context["params"]["trigger"] != "available-now"):
        log.info("The application %s of %s is alive: this task follows it.", application, row.owner)
        store.set(StreamOperator.external_id_key, application)
        return
    if is_ours:
        return
    alive = f"The driver {row.holder} of {row.owner} is alive and judges the logs"
    if context["ti"].try_number > 1:
        raise AirflowException(f"{alive}: this task is retried until that driver has ended.")
    raise AirflowSkipException(f"{alive}: nothing to do here.")
