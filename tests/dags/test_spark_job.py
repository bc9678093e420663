"""Jobs are submitted from any of Airflow's machines: nothing is left on one for the next task."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from include.settings import ROOT


@pytest.fixture(scope="module")
def spark_job(airflow_home: None) -> Any:
    from plugins import spark_job

    return spark_job


def test_a_job_is_beside_the_dags_unless_a_setting_says_otherwise(spark_job: Any, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("LOGSIEVE_JOBS", raising=False)
    assert spark_job.SparkJobOperator(task_id="t", job="stream_logs").application == str(ROOT / "jobs/stream_logs.py")
    monkeypatch.setenv("LOGSIEVE_JOBS", "local:///opt/logsieve/jobs")
    given = spark_job.SparkJobOperator(task_id="t", job="stream_logs")
    assert given.application == "local:///opt/logsieve/jobs/stream_logs.py"


def test_a_report_is_the_result_of_its_task_and_no_file_stays(spark_job: Any, monkeypatch: pytest.MonkeyPatch):
    written: list[Path] = []

    def submit(operator: Any, context: Any) -> None:
        *given, report = operator.application_args
        assert given == ["--changes"]
        written.append(Path(report.removeprefix("--report=")))
        written[-1].write_text('{"run": "früh"}', encoding="utf-8")

    monkeypatch.setattr(spark_job.SparkSubmitOperator, "execute", submit)
    judge = spark_job.ReportingJobOperator(task_id="judge", job="rejudge_logs", application_args=["--changes"])
    assert judge.execute({}) == '{"run": "früh"}'
    assert not written[0].parent.exists()
    assert judge._deploy_mode == "client", "a driver elsewhere would write its report there"


def test_the_task_after_a_rejudgement_is_handed_its_report(spark_job: Any):
    from airflow.dag_processing.dagbag import DagBag

    found = DagBag(dag_folder=str(ROOT / "dags" / "rejudge_logs.py")).dags["rejudge_logs"]
    (report,) = found.get_task("correct").op_args
    assert report.operator.task_id == "judge"


def test_the_driver_after_another_contract_is_submitted_with_that_one_at_once(
    airflow_home: None, monkeypatch: pytest.MonkeyPatch
):
    from airflow.sdk.exceptions import AirflowException

    from include.driver.exit_codes import DriverEnd
    from plugins import stream

    tried: list[Any] = []

    def execute(operator: Any, context: Any) -> None:
        tried.append(operator._hook)
        if len(tried) == 1:
            operator._hook = SimpleNamespace(
                _connection={"deploy_mode": "client"}, _submit_sp=SimpleNamespace(returncode=DriverEnd.OTHER_CONTRACT)
            )
            raise AirflowException("the driver ended")

    monkeypatch.setattr(stream.SparkJobOperator, "execute", execute)
    monkeypatch.setattr(stream.metadata, "address", lambda: "")
    stream.StreamOperator(task_id="stream", job="stream_logs").execute({"ti": SimpleNamespace(id="1")})
    assert tried == [None, None], "the hook of the one before has its jar"
