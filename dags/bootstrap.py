"""Makes everything the logs need, starts the generator and the stream, and checks that verdicts arrive.

**When**: by hand, once; `./logsieve up` does it for you. It is safe to run again, also while everything runs: what
exists is left as it is, and what already runs is not started twice.

**What is normal**: green within two minutes. Skipped `start_…` tasks mean that the generator or stream already ran.

**When a task is red**
- `make_…`: Kafka, MySQL or Elasticsearch is away or refuses. `./logsieve status` tells which server, the task's log
  tells why. Clear the task when it is mended.
- `load_users`: see the run of `users_dimension` that it triggered.
- `…_is_filling`: no fresh verdicts there. See the newest runs of `generate_logs` and `classify_logs`.
"""

from datetime import timedelta
from typing import Any

from airflow.providers.apache.kafka.hooks.client import KafkaAdminClientHook
from airflow.providers.common.sql.operators.sql import SQLExecuteQueryOperator
from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import BaseHook, Param, TriggerRule, dag, task

from include.names import LOGS_TOPIC, STATUS_TOPIC
from include.settings import ROOT, Settings
from plugins.filling import filling_sensors
from plugins.house import RETRIES, SHARE_BAD, SHARE_SUSPICIOUS

settings = Settings()


@dag(
    schedule=None,
    max_active_runs=1,
    tags=["logsieve"],
    default_args=RETRIES,
    template_searchpath=str(ROOT / "include" / "sql"),
    params={
        "rate": Param(settings.rate, type="number", exclusiveMinimum=0, maximum=1_000_000, description="logs a second"),
        "share_bad": SHARE_BAD,
        "share_suspicious": SHARE_SUSPICIOUS,
    },
    render_template_as_native_obj=True,
    doc_md=__doc__,
)
def bootstrap() -> None:
    @task
    def make_topics() -> None:
        """Creates both topics with as many partitions, so that verdicts keep the order of their logs."""
        KafkaAdminClientHook("kafka").create_topic(
            [(topic, settings.topic_partitions, -1) for topic in (LOGS_TOPIC, STATUS_TOPIC)]
        )

    @task
    def make_index() -> None:
        """Puts the index template and creates the index."""
        from elasticsearch import Elasticsearch

        from include.search_index import ensure_index

        found = BaseHook.get_connection("elasticsearch")
        ensure_index(Elasticsearch(f"{found.schema or 'http'}://{found.host}:{found.port}"))

    make_log_tables, make_users_table = (
        SQLExecuteQueryOperator(task_id=task_id, conn_id="mysql", sql=script, split_statements=True, do_xcom_push=False)
        for task_id, script in (("make_log_tables", "logs.sql"), ("make_users_table", "dim_users.sql"))
    )
    load_users = TriggerDagRunOperator(
        task_id="load_users",
        trigger_dag_id="users_dimension",
        wait_for_completion=True,
        poke_interval=1,
        fail_when_dag_is_paused=True,
    )

    @task.short_circuit(ignore_downstream_trigger_rules=False)
    def nothing_runs(dag_id: str, **context: Any) -> bool:
        """Whether no run of that DAG is active: what runs is not started twice."""
        return bool(context["ti"].get_dr_count(dag_id=dag_id, states=["queued", "running"]) == 0)

    start_generator = TriggerDagRunOperator(
        task_id="start_generator",
        trigger_dag_id="generate_logs",
        conf={
            "rate": "{{ params.rate }}",
            "share_bad": "{{ params.share_bad }}",
            "share_suspicious": "{{ params.share_suspicious }}",
            "seconds": None,
        },
        fail_when_dag_is_paused=True,
    )
    start_stream = TriggerDagRunOperator(
        task_id="start_stream",
        trigger_dag_id="classify_logs",
        conf={"trigger": settings.trigger},
        fail_when_dag_is_paused=True,
    )
    sensors = filling_sensors(timeout=timedelta(minutes=2))
    for sensor in sensors:
        sensor.trigger_rule = TriggerRule.NONE_FAILED

    topics, index = make_topics(), make_index()
    generator_is_off = nothing_runs.override(task_id="generator_is_off")("generate_logs")
    stream_is_off = nothing_runs.override(task_id="stream_is_off")("classify_logs")
    make_users_table >> load_users
    [topics, load_users] >> generator_is_off >> start_generator >> sensors
    [topics, make_log_tables, load_users] >> stream_is_off >> start_stream >> sensors
    index >> sensors


bootstrap()
