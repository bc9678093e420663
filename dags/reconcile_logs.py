"""Proves that nothing was lost, doubled or edited: row and document of every log say what its verdict says.

**When**: hourly, over all logs that were loaded since the last proof; what that found whole is closed and not read
again. A run by hand proves everything that the status topic still has, or the range that you give. The same from the
shell: `./logsieve reconcile`.

**What is normal**: green within seconds; a sentence a partition in the log, with the numbers.

**When it is red**: the log names, for each kind of difference, how many origins there are and the first of them.
`./logsieve why ORIGIN` tells the story of one, with both values of each field that differs. `./logsieve reconcile
--repair` has just those logs judged again, and removes rows and documents of no log, which no DAG does. The range stays
open, so the next run looks at it again. `IndexerBehindError`: the indexer is stopped or slow, see
`./logsieve status`; it is tried again.

*Cannot be proven*: Kafka has removed verdicts, or logs, before a proof had found them whole: none was green for longer
than the topics keep messages. Nothing is known to be lost. `--repair` has those judged again that `server-logs` still
has. Hourly runs say it until one by hand has said it; that closes what it names, and they go on behind it.
"""

from datetime import UTC, datetime
from typing import Any

from airflow.sdk import BaseHook, Param, dag, task

from include.settings import Settings
from plugins import search
from plugins.house import UNATTENDED


@dag(
    schedule="@hourly",
    start_date=datetime(2020, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    tags=["logsieve"],
    default_args=UNATTENDED,
    params={
        "partition": Param(None, type=["null", "integer"], minimum=0, description="only this one; empty: all"),
        "first": Param(0, type="integer", minimum=0, description="of that partition: from this offset on"),
        "end": Param(None, type=["null", "integer"], minimum=1, description="up to the offset before; empty: all"),
    },
    doc_md=__doc__,
)
def reconcile_logs() -> None:
    @task
    def prove(params: Any = None, dag_run: Any = None) -> list[str]:
        """A sentence a partition. Red, and not tried again, when the hops differ or cannot be compared any more."""
        from airflow.sdk.exceptions import AirflowFailException

        from include.index.dead_letters import refused_offsets
        from include.index.indexer import GROUP
        from include.proof.comparison import Clients
        from include.proof.reconcile import Range, reconcile
        from include.proof.report import HOW_TO_FIX
        from include.topics import hops

        wanted = None if params["partition"] is None else Range(params["partition"], params["first"], params["end"])
        kafka = BaseHook.get_connection("kafka").extra_dejson
        connection = BaseHook.get_hook("mysql").get_conn()
        try:
            with (
                hops.looking(kafka, GROUP) as consumer,
                search.connect() as index,
            ):
                clients = Clients(consumer, connection.cursor(), index, refused_offsets(Settings()))
                proofs = reconcile(clients, wanted, new_only=dag_run.run_type == "scheduled")
        finally:
            connection.close()
        sentences = [proof.sentence() for proof in proofs]
        if any(proof.kinds for proof in proofs):
            raise AirflowFailException(f"{'; '.join(sentences)}. {HOW_TO_FIX}")
        return sentences

    prove()


reconcile_logs()
