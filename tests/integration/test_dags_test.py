"""Each DAG ends well under `airflow dags test` against the running stack."""

import pytest

from tests.integration.stack import Stack

SECONDS = 120


@pytest.mark.parametrize(
    "dag_id", ["users_dimension", "watch_logs", "generate_logs", "classify_logs", "bootstrap", "rejudge_logs"]
)
def test_a_dag_ends_green(stack: Stack, dag_id: str) -> None:
    conf = ["--conf", '{"seconds": 5}'] if dag_id == "generate_logs" else []
    done = stack.run("airflow", "dags", "test", dag_id, *conf, seconds=SECONDS)
    printed = (done.stdout + done.stderr).splitlines()
    complaints = "\n".join(line[:400] for line in printed if "rror" in line or "fail" in line or "WARN" in line.upper())
    assert done.returncode == 0, complaints
    assert any("state=success" in line for line in printed), complaints
