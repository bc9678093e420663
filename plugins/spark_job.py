"""The operator of our Spark jobs: submits one to whatever the Spark connection names, this machine or a cluster."""

import os
import re
import tempfile
from functools import partial
from pathlib import Path
from typing import Any, Final

from airflow.providers.apache.spark.hooks.spark_submit import SparkSubmitHook
from airflow.providers.apache.spark.operators.spark_submit import SparkSubmitOperator
from airflow.sdk import Context

from include.driver.submit import is_local, submit_conf
from include.settings import ROOT, Settings

_EXIT_CODE: Final = re.compile(r"exited with (?:status )?(\d+)")
"""In what YARN reports of an application that ended; spark-submit's own exit code is 1 then."""


class SparkJobOperator(SparkSubmitOperator):
    """Runs the module `job` of the folder jobs. Its properties depend on the connection, which is read at run time."""

    def __init__(self, *, job: str, **kwargs: Any) -> None:
        folder = Settings().jobs or ROOT / "jobs"
        super().__init__(conn_id="spark", application=f"{folder}/{job}.py", **kwargs)
        self._job = job

    def _get_hook(self) -> SparkSubmitHook:
        hook = super()._get_hook()
        master, mode = hook._connection["master"], hook._connection["deploy_mode"]
        hook._conf = submit_conf(Settings(), self._job, master, mode)
        if not is_local(master):
            # Spark would look for modules in these folders on the cluster too, before those that were shipped.
            hook.submit = partial(hook.submit, env=_without_folders())  # type: ignore[method-assign]
        # In cluster mode Spark's operator follows the application by its id, which a retry finds again.
        hook._yarn_track_via_rm_api = hook._is_yarn_cluster_mode
        return hook

    def get_job_status(self, external_id: Any, context: Context) -> str:
        """See Spark's operator. An application that YARN does not know any more has failed, so another one follows."""
        try:
            status: str = super().get_job_status(external_id, context)
        except RuntimeError as error:
            if "HTTP 404" not in str(error):
                raise
            self.log.info("YARN does not know the application %s any more.", external_id)
            return "FAILED"
        return status


class ReportingJobOperator(SparkJobOperator):
    """A job whose driver runs here and writes a report, to the file of `--report`: the task returns its text.

    The next task may run on another machine, so it gets the text, not the file.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(deploy_mode="client", **kwargs)

    def execute(self, context: Context) -> str:  # type: ignore[override]  # Spark's operators return nothing
        """Returns the report. Raises as Spark's operator does, if the job failed."""
        with tempfile.TemporaryDirectory(prefix="logsieve-report-") as folder:
            report = Path(folder) / "report"
            self.application_args = [*(self.application_args or ()), f"--report={report}"]
            self._hook = None  # of an earlier try in this process, with that one's file
            super().execute(context)
            return report.read_text(encoding="utf-8")


def _without_folders() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}


def exit_code(hook: SparkSubmitHook | None, error: Exception) -> int | None:
    """The exit code of the last driver; None: it is not known. `error`: Spark's operator raised it."""
    if hook is None or hook._submit_sp is None:
        return None
    if hook._is_yarn_cluster_mode:
        found = _EXIT_CODE.search(str(error))
        return int(found[1]) if found else None
    return int(hook._submit_sp.returncode)
