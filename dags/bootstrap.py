"""Creates all topics, tables and indices, starts the generator and the stream, and checks that verdicts arrive.

**When**: manually, once; `./logsieve up` does it for you. It is safe to run again at any time: existing objects stay
as they are, and running DAGs are not started twice.

**What is normal**: green within two minutes. A skipped `start_…` task means that the generator or the stream was
already running. With `rate` 0 no logs are generated, and the sensors are skipped too.

**When a task is red**
- `make_…`: Kafka, MySQL or Elasticsearch is down or refuses. `./logsieve status` shows which server, the task's log
  shows why. Fix the cause, then clear the task. `make_index` takes long once, after an upgrade from a version with a
  single index: its log shows how many documents it has copied.
- `check_contract`: another contract is in effect, or the tables have the columns of another one. Its log names them.
- `load_users`: see the run of `users_dimension` that it triggered. Without a dimension in the contract there is none.
- `…_is_filling`: no fresh verdicts arrive there. See the newest runs of `generate_logs` and `classify_logs`.
"""

import logging
from contextlib import closing
from datetime import timedelta

from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import Context, Param, TriggerRule, dag, task
from airflow.sdk.exceptions import AirflowFailException

from include.contract import reading, tables
from include.names import CLASSIFY_DAG, GENERATE_DAG, USERS_DAG
from include.settings import ROOT, Settings
from include.users import tables as users_tables
from plugins import assets, slices
from plugins.filling import filling_sensors
from plugins.house import RETRIES, SHARE_BAD, SHARE_SUSPICIOUS, skip_if_running, skip_without_generator
from plugins.mysql_hook import MySqlOperator
from plugins.outside import Connections

settings, contract = Settings(), reading.current()
outside = Connections()


@dag(
    schedule=None,
    max_active_runs=1,
    tags=["logsieve"],
    default_args=RETRIES,
    template_searchpath=str(ROOT / "include" / "sql"),
    params={
        "rate": Param(settings.rate, type="number", minimum=0, maximum=1_000_000, description="logs a second; 0: none"),
        "share_bad": SHARE_BAD,
        "share_suspicious": SHARE_SUSPICIOUS,
    },
    render_template_as_native_obj=True,
    doc_md=__doc__,
)
def bootstrap() -> None:
    def skip_generator(context: Context) -> None:
        skip_without_generator(context)
        skip_if_running(GENERATE_DAG)(context)

    @task
    def make_topics() -> None:
        """Creates both topics with the same number of partitions, so that verdicts keep the order of their logs.

        Applies the settings of new topics to existing ones; logs a warning if Kafka refuses.
        """
        from include.topics import configs

        client = outside.admin()
        configs.make(client, settings.topic_partitions)
        if refused := configs.apply(client):
            logging.getLogger(__name__).warning(refused)

    @task
    def check_contract() -> None:
        """Lets the contract take effect if none has. Fails if another one has: the index must not follow it."""
        from include.contract.changing import in_effect

        with closing(outside.mysql()) as connection, closing(connection.cursor()) as cursor:
            in_effect.begin(cursor, contract)
            connection.commit()
            if found := in_effect.difference(cursor, contract):
                raise AirflowFailException(found)
        in_effect.keep_first(settings)

    # It makes what the indexer, which is no DAG, fills from the status topic.
    @task(inlets=[assets.STATUS], outlets=[assets.INDEX], pre_execute=assets.declare_only)
    def make_index() -> None:
        """Takes over the index of an earlier version; installs the template; creates the alias and the odd index.

        The indexer creates the index of each day.
        """
        from include.index import take_over, template

        shape = template.Shape.of(settings)
        with outside.search() as client:
            take_over.take_over(client, print, shape)  # a task's output is its log
            template.ensure(client, shape)

    make_tables = MySqlOperator(
        task_id="make_tables",
        sql=tables.statements(contract) + users_tables.statements(contract) + "{% include 'logs.sql' %}",
        split_statements=True,
        do_xcom_push=False,
    )

    @task
    def make_slices() -> None:
        """Divides the tables into slices of origins, which retention drops as a whole (see expire_logs)."""
        slices.make_slices(outside, settings.retention_days, settings.disk_gib)

    # Started first because it takes longest: the stream itself waits for topics, tables and users.
    TriggerDagRunOperator(
        task_id="start_stream",
        trigger_dag_id=CLASSIFY_DAG,
        conf={"trigger": settings.trigger},
        fail_when_dag_is_paused=True,
        pre_execute=skip_if_running(CLASSIFY_DAG),
    )
    start_generator = TriggerDagRunOperator(
        task_id="start_generator",
        trigger_dag_id=GENERATE_DAG,
        conf={
            "rate": "{{ params.rate }}",
            "share_bad": "{{ params.share_bad }}",
            "share_suspicious": "{{ params.share_suspicious }}",
            "seconds": None,
        },
        fail_when_dag_is_paused=True,
        pre_execute=skip_generator,
    )
    topic_sensor, *table_sensors = filling_sensors(timeout=timedelta(minutes=5), pre_execute=skip_without_generator)
    topic_sensor.trigger_rule = TriggerRule.NONE_FAILED

    topics = make_topics()
    [make_tables, topics] >> make_slices()
    [topics, make_tables] >> start_generator
    if contract.dimension:
        load_users = TriggerDagRunOperator(
            task_id="load_users",
            trigger_dag_id=USERS_DAG,
            wait_for_completion=True,
            poke_interval=1,
            fail_when_dag_is_paused=True,
        )
        make_tables >> load_users >> start_generator
    index = make_index()
    make_tables >> check_contract() >> index
    [start_generator, index] >> topic_sensor >> table_sensors


bootstrap()
