"""Implements `./logsieve reconcile`: proves every hop, and with `--repair` fixes what differs."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import mysql.connector
from rich.console import Console
from rich.markup import escape

from include.clients.errors import SERVER_ERRORS, reason
from include.driver.rejudgement import LOCK
from include.index.dead_letters import refused_offsets
from include.names import INDEXER_GROUP, LOGS_DATABASE, PROGRESS_TABLE, TABLES
from include.proof import documents, report
from include.proof.comparison import Clients
from include.proof.reconcile import IndexerBehindError, Range, reconcile
from include.proof.report import Proof
from include.proof.resend import resend
from include.stack import tables
from include.stack.errors import StackError
from include.stack.own_servers import Servers
from include.stack.repair import rejudge

_DELETE_STRAY = (
    f"DELETE FROM {LOGS_DATABASE}.%s WHERE kafka_partition = %%s AND kafka_offset = %%s"
    " AND (kafka_offset < 0 OR kafka_offset > IFNULL((SELECT last_offset"
    f" FROM {LOGS_DATABASE}.{PROGRESS_TABLE} WHERE kafka_partition = %%s FOR UPDATE), -1))"
)
"""Deletes a row without a log, unless its log has arrived since: `load` waits for the lock on its progress."""


def prove(
    env: Servers, wanted: Range | None, *, new_only: bool, on_progress: Callable[[int, int], None]
) -> list[Proof]:
    """Returns the proofs, see include/proof/reconcile.py. Raises StackError if a hop cannot be read."""
    with _clients(env) as clients:
        return reconcile(clients, wanted, new_only=new_only, on_progress=on_progress)


def repair(
    env: Servers,
    wanted: Range | None,
    *,
    new_only: bool,
    show: Callable[[list[Proof]], None],
    on_step: Callable[[str], None],
) -> None:
    """Proves, shows the differences, and fixes them. Raises StackError.

    Rows and documents without a log are removed. For any other difference the verdict is sent again; if there is no
    verdict, the log is judged again.
    """
    with _alone(env), _clients(env) as clients:
        proofs = reconcile(clients, wanted, new_only=new_only)
        if any(each.kinds for each in proofs):
            show(proofs)
        for each in proofs:
            _delete_rows(clients.cursor, each.partition, each.differences.get(report.ROW_OF_NO_LOG, ()))
            documents.delete(clients.index, each.strays)
        places = {each.partition: each.places for each in proofs if each.partition is not None}
        on_step("Sending verdicts again …")
        sent = resend(env.outside.kafka, clients.consumer, places)
    if sent:
        on_step(f"Waiting until {sent:,} verdicts are loaded …")
        rejudge.wait_until_loaded(env)
    if origins := _to_judge_again(proofs):
        rejudge.run(env, origins=origins, on_step=on_step)


@contextmanager
def _alone(env: Servers) -> Iterator[None]:
    """Holds the rejudgement lock: resending an older verdict would revert a concurrent correction.

    Raises StackError if another run holds it.
    """
    try:
        with closing(env.outside.mysql()) as connection, closing(connection.cursor()) as cursor:
            cursor.execute("SELECT GET_LOCK(%s, 1)", (LOCK,))
            row: Any = cursor.fetchone()
            if row != (1,):
                raise StackError("Another run is judging logs again.", "Wait until it has finished, then retry.")
            yield
    except mysql.connector.Error as error:
        raise StackError(f"MySQL does not answer: {error}", "Check ./logsieve status") from error


def _to_judge_again(proofs: list[Proof]) -> rejudge.Origins:
    found = {each.partition: each.to_judge_again() for each in proofs if each.partition is not None}
    return {partition: runs for partition, runs in found.items() if runs}


def _delete_rows(cursor: Any, partition: int | None, offsets: Any) -> None:
    for offset in offsets:
        for table in TABLES.values():
            cursor.execute(_DELETE_STRAY % table, (partition, int(offset), partition))
    cursor.execute("COMMIT")


@contextmanager
def _clients(env: Servers) -> Iterator[Clients]:
    try:
        with (
            env.outside.looking(INDEXER_GROUP) as consumer,
            closing(env.outside.mysql("stream")) as connection,
            closing(connection.cursor()) as cursor,
            # A proof is long enough for its connection to be closed meanwhile.
            env.outside.search(retries=3) as index,
        ):
            yield Clients(consumer, cursor, index, refused_offsets(env.settings))
    except IndexerBehindError as error:
        raise StackError(str(error), "See the indexer's log; the embedded one's: ./logsieve logs indexer") from error
    except SERVER_ERRORS as error:
        raise StackError(
            f"A hop cannot be read: {reason(error)}", "Find the server that is down with ./logsieve status"
        ) from error


def show(console: Console, proofs: list[Proof]) -> None:
    """Prints one row per partition, then the differences."""
    # The last two are rarely needed, and a narrow terminal needs the space for the others.
    rare = [name for name in ("refused", "expired") if any(getattr(each, name) for each in proofs)]
    table = tables.new("origins", "logs", "keys", "rows", "documents", *rare, "")
    for column in table.columns[1:-1]:
        column.justify, column.no_wrap = "right", True
    for each in proofs:
        number = "of none" if each.partition is None else each.partition
        origins = f"{number}-{each.first} to {number}-{each.end - 1}" if each.logs else f"{number}: nothing new"
        counts = [getattr(each, name) for name in ("logs", "keys", "rows", "documents", *rare)]
        verdict = "[green]whole"
        if each.kinds:
            verdict = "[red]differs" if each.kinds - {report.UNPROVEN} else "[red]cannot be proven"
        table.add_row(origins, *(f"{count:,}" for count in counts), verdict)
    console.print(table)
    for each in proofs:
        if each.kinds:
            console.print(f"[red]✗[/] {escape(each.sentence())}", soft_wrap=True, highlight=False)
        elif each.left or each.gaps:
            console.print(each.sentence(), soft_wrap=True, highlight=False)
