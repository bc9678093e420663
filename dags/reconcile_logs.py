"""Proves that no log was lost, duplicated or edited: each log's row and document equal its verdict.

**When**: hourly, over all logs loaded since the last proof; proven ranges are closed and not read again. A manual run
proves everything that the status topic still has, or the range that you give. From the shell: `./logsieve reconcile`.

**What is normal**: green within seconds; one sentence per partition in the log, with the numbers.

**When it is red**: for each kind of difference, the log has the number of origins and the first ones.
`./logsieve why ORIGIN` shows the history of one log, with both values of each differing field. `./logsieve reconcile
--repair` rejudges just those logs, and removes rows and documents without a log, which no DAG does. The range stays
open, so the next run checks it again. `IndexerBehindError`: the indexer is stopped or slow, see `./logsieve status`;
the task is retried.

*Cannot be proven*: Kafka removed verdicts or logs before they were proven: no run was green for longer than the topics
keep messages. Nothing is known to be lost. `--repair` rejudges the logs that `server-logs` still has. Hourly runs
report this until a manual run has reported it; that run closes the ranges it reports, and hourly runs continue after
them.
"""

from contextlib import closing
from typing import Any

from airflow.sdk import Param, dag, task

from include.settings import Settings
from plugins import assets
from plugins.house import SCHEDULED
from plugins.outside import Connections

outside = Connections()


@dag(
    schedule="@hourly",
    **SCHEDULED,
    params={
        "partition": Param(None, type=["null", "integer"], minimum=0, description="only this partition; empty: all"),
        "first": Param(0, type="integer", minimum=0, description="first offset in that partition"),
        "end": Param(None, type=["null", "integer"], minimum=1, description="offset to stop before; empty: all"),
    },
    doc_md=__doc__,
)
def reconcile_logs() -> None:
    @task(inlets=[assets.STATUS, *assets.OF_TABLES, assets.INDEX])
    def prove(params: Any = None, dag_run: Any = None) -> list[str]:
        """Returns a sentence per partition. Fails without retry if hops differ or can no longer be compared."""
        from airflow.sdk.exceptions import AirflowFailException

        from include.index.dead_letters import refused_offsets
        from include.names import INDEXER_GROUP
        from include.proof.comparison import Clients
        from include.proof.reconcile import Range, reconcile
        from include.proof.report import HOW_TO_FIX

        wanted = None if params["partition"] is None else Range(params["partition"], params["first"], params["end"])
        with (
            outside.looking(INDEXER_GROUP) as consumer,
            closing(outside.mysql()) as connection,
            outside.search() as index,
        ):
            clients = Clients(consumer, connection.cursor(), index, refused_offsets(Settings()))
            proofs = reconcile(clients, wanted, new_only=dag_run.run_type == "scheduled")
        sentences = [proof.sentence() for proof in proofs]
        if any(proof.kinds for proof in proofs):
            raise AirflowFailException(f"{'; '.join(sentences)}. {HOW_TO_FIX}")
        return sentences

    prove()


reconcile_logs()
