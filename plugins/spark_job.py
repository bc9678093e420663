"""The operator of our Spark jobs: submits one to whatever the Spark connection names, this machine or a cluster."""

import os
import re
import secrets
import tempfile
from functools import partial
from pathlib import Path
from typing import Any, Final

from airflow.sdk import Context

from include.driver import pods
from include.driver.submit import beside, submit_conf, variables
from include.settings import ROOT, Settings
from plugins.driver_pod import DriverPod
from plugins.spark_provider import SparkSubmitHook, SparkSubmitOperator

_EXIT_CODE: Final = re.compile(r"exited with (?:status )?(\d+)")
"""In what YARN reports of an application that ended, and DriverPod of its pod. spark-submit's own exit code is 1 then,
or even 0."""


class SparkJobOperator(SparkSubmitOperator):
    """Runs the module `job` of the folder jobs. Its properties depend on the connection, which is read at run time."""

    def __init__(self, *, job: str, **kwargs: Any) -> None:
        folder = Settings().jobs or ROOT / "jobs"
        super().__init__(conn_id="spark", application=f"{folder}/{job}.py", **kwargs)
        self._job = job

    def _get_hook(self) -> SparkSubmitHook:
        hook, settings = super()._get_hook(), Settings()
        connection = hook._connection
        if connection["deploy_mode"] != "cluster":
            connection["master"] = beside(connection["master"], settings.topic_partitions)
        master = connection["master"]
        hook._is_kubernetes = pods.is_kubernetes(master)
        hook._conf = submit_conf(settings, self._job, master, connection["deploy_mode"])
        hook.submit = partial(hook.submit, env=variables(settings, os.environ, master))  # type: ignore[method-assign]
        # In cluster mode Spark's operator follows the application by its id, which a retry finds again.
        hook._yarn_track_via_rm_api = hook._is_yarn_cluster_mode
        hook._track_driver_via_k8s_api = hook._is_kubernetes
        if hook._is_kubernetes:
            self.application = pods.application(self._job)
            connection["namespace"] = connection["namespace"] or "default"
        return hook

    def submit_job(self, context: Context) -> str | None:
        """See Spark's operator. On Kubernetes each driver's pod has a name of its own."""
        hook = self._hook
        if hook is not None and hook._is_kubernetes:
            name = f"{self._job.replace('_', '-')}-{secrets.token_hex(4)}-driver"
            hook._kubernetes_driver_pod = hook._conf["spark.kubernetes.driver.pod.name"] = name
        found: str | None = super().submit_job(context)
        return found

    def get_job_status(self, external_id: Any, context: Context) -> str:
        """See Spark's operator. An application that YARN does not know any more has failed, so another one follows."""
        if self._hook is not None and self._hook._is_kubernetes:
            return DriverPod(Settings(), external_id).settle()
        try:
            status: str = super().get_job_status(external_id, context)
        except RuntimeError as error:
            if "HTTP 404" not in str(error):
                raise
            self.log.info("YARN does not know the application %s any more.", external_id)
            return "FAILED"
        return status

    def poll_until_complete(self, external_id: Any, context: Context) -> None:
        """See Spark's operator, which on Kubernetes looks every 20 s, takes a deleted pod for an end that is good, and
        gives up when the API server is away for a minute."""
        if self._hook is not None and self._hook._is_kubernetes:
            DriverPod(Settings(), external_id).wait()
        else:
            super().poll_until_complete(external_id, context)


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


def runs_elsewhere(hook: SparkSubmitHook | None) -> bool:
    """Whether the driver runs on a cluster, so that it goes on when Airflow ends."""
    return hook is not None and hook._connection["deploy_mode"] == "cluster"


def exit_code(hook: SparkSubmitHook | None, error: Exception) -> int | None:
    """The exit code of the last driver; None: it is not known. `error`: Spark's operator raised it."""
    if runs_elsewhere(hook):
        found = _EXIT_CODE.search(str(error))
        return int(found[1]) if found else None
    return int(hook._submit_sp.returncode) if hook is not None and hook._submit_sp is not None else None
