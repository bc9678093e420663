"""What `./logsieve reconcile` does: proves every hop, and with `--repair` mends what differs."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import mysql.connector
from confluent_kafka import KafkaException
from elastic_transport import TransportError
from elasticsearch import ApiError, Elasticsearch
from rich.console import Console

from include import evidence, hops, proof
from include.dead_letters import refused_offsets
from include.names import INDEX, LOGS_DATABASE, LOGS_TOPIC, PROGRESS_TABLE, TABLES
from include.proof import Proof
from include.reconcile import Clients, IndexerBehindError, Range, reconcile
from include.stack import rejudge, tables
from include.stack.environment import HOST, Environment
from include.stack.errors import StackError
from include.stack.probes import mysql_connection
from include.stack.status import kafka_consumer

_BEHIND = (
    f"DELETE FROM {LOGS_DATABASE}.%s WHERE kafka_partition = %%s AND kafka_offset = %%s"  # noqa: S608
    " AND (kafka_offset < 0 OR kafka_offset > IFNULL((SELECT last_offset"
    f" FROM {LOGS_DATABASE}.{PROGRESS_TABLE} WHERE kafka_partition = %%s FOR UPDATE), -1))"
)
"""A row of no log, unless it has become one: load waits for the lock on its progress."""


def prove(env: Environment, wanted: Range | None, *, new_only: bool, say: Callable[[int, int], None]) -> list[Proof]:
    """The proofs, see include/reconcile.py. Raises StackError when a hop cannot be read."""
    with _clients(env) as clients:
        return reconcile(clients, wanted, new_only=new_only, say=say)


def repair(env: Environment, proofs: list[Proof], say: Callable[[str], None]) -> None:
    """Removes what belongs to no log, and has every other origin that differs judged again. Raises StackError."""
    with _clients(env) as clients:
        for each in proofs:
            _delete_rows(clients.cursor, each.partition, each.differences.get(proof.ROW_OF_NO_LOG, ()))
            if proof.DOCUMENT_OF_NO_LOG in each.differences:
                _delete_documents(clients)
    if origins := {each.partition: runs for each in proofs if (runs := each.to_judge_again())}:
        rejudge.run(env, origins=origins, say=say)


def _delete_rows(cursor: Any, partition: int, offsets: Any) -> None:
    for offset in offsets:
        for table in TABLES.values():
            cursor.execute(_BEHIND % table, (partition, int(offset), partition))
    cursor.execute("COMMIT")


def _delete_documents(clients: Clients) -> None:
    """Removes the documents of no log; one that has become a log's own meanwhile is another version, and stays."""
    while found := evidence.documents_of_no_log(clients.index, lambda: hops.topic_ends(clients.consumer, LOGS_TOPIC)):
        for each in found:
            clients.index.options(ignore_status=[404, 409]).delete(
                index=INDEX, id=each.id, if_seq_no=each.seq_no, if_primary_term=each.term
            )
        clients.index.indices.refresh(index=INDEX)


@contextmanager
def _clients(env: Environment) -> Iterator[Clients]:
    try:
        with (
            kafka_consumer(env) as consumer,
            closing(mysql_connection(env, "stream")) as connection,
            closing(connection.cursor()) as cursor,
            Elasticsearch(f"http://{HOST}:{env.ports.elasticsearch}") as index,
        ):
            yield Clients(consumer, cursor, index, refused_offsets(env.settings))
    except IndexerBehindError as error:
        raise StackError(str(error), "./logsieve logs indexer") from error
    except (KafkaException, mysql.connector.Error, TransportError, ApiError) as error:
        raise StackError(f"A hop cannot be read: {error}", "./logsieve status tells which server is away.") from error


def show(console: Console, proofs: list[Proof]) -> None:
    """Prints a row a partition, and below it what differs."""
    # Mostly nobody needs the last two, and the others need the room of a narrow terminal.
    rare = [name for name in ("refused", "expired") if any(getattr(each, name) for each in proofs)]
    table = tables.new("origins", "logs", "keys", "rows", "documents", *rare, "")
    for column in table.columns[1:-1]:
        column.justify, column.no_wrap = "right", True
    for each in proofs:
        number = each.partition
        origins = f"{number}-{each.first} to {number}-{each.end - 1}" if each.logs else f"{number}: nothing new"
        counts = [getattr(each, name) for name in ("logs", "keys", "rows", "documents", *rare)]
        well = "[green]whole"
        if each.differences:
            well = "[red]differs" if each.differences.keys() - {proof.UNPROVEN} else "[red]cannot be proven"
        table.add_row(origins, *(f"{count:,}" for count in counts), well)
    console.print(table)
    for each in proofs:
        if each.differences:
            console.print(f"[red]✗[/] {each.sentence()}", soft_wrap=True, highlight=False)
        elif each.left or each.gaps:
            console.print(each.sentence(), soft_wrap=True, highlight=False)
