"""Implements `./logsieve contract apply`: another contract takes effect while the stream runs.

First everything becomes able to hold the verdicts of both: rules, tables, index. Then one row in MySQL lets the new
contract take effect, and the driver that judges by the old one ends. Every step is idempotent: an interrupted run is
simply repeated.
"""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from itertools import groupby
from typing import Any, Final

import mysql.connector
from elastic_transport import TransportError
from elasticsearch import Elasticsearch

from include import retries
from include.contract import reading, sizes
from include.contract.changing import changes, in_effect, kept
from include.contract.changing.changes import Difference
from include.contract.errors import ContractError
from include.contract.model import Contract
from include.driver import lease
from include.index import template
from include.index.template import Shape
from include.names import BAD, LOGS_DATABASE, TABLES, USERS_DATABASE
from include.retention import slices
from include.settings import Settings
from include.stack.errors import StackError
from include.stack.fetch import judge_jar
from include.stack.own_servers import Servers
from include.users import tables as users_tables
from include.watch.troubles import TroubleError

_COUNT_MILLISECONDS: Final = 5000
_DRIVER_SECONDS: Final = 180
_AGAIN: Final = "Check ./logsieve status, then run ./logsieve contract apply again: it goes on where it stopped"

OnStep = Callable[[str], None]


def check(settings: Settings, *, fresh: bool, asked: bool) -> None:
    """Checks the declared contract, before `up` starts or deletes anything. `asked`: a person has named it.

    Raises ContractError, and StackError if another one is in effect than was asked for.
    """
    file = settings.contract
    if fresh or settings.contract_in_effect == file:
        reading.load(file)
    elif asked and waiting(settings):
        raise StackError(
            f"Another contract than {file.name} is in effect here.",
            f"Run ./logsieve contract apply {file} once the stack is up, or delete all data first: up --fresh",
        )


def waiting(settings: Settings) -> str:
    """What a person should know if the contract of the settings is not the one in effect; empty: it is."""
    file = in_effect.declared(settings)
    try:
        is_in_effect = changes.same(reading.load(file), reading.of(settings))
    except ContractError as error:
        return f"{error} The contract that is in effect is another one."
    if is_in_effect:
        return ""
    return f"{file.name} differs from the contract that is in effect: ./logsieve contract diff"


def now(env: Servers) -> Contract:
    """The contract that is in effect. Raises StackError if none is, or MySQL does not answer."""
    with _cursor(env) as cursor:
        found = in_effect.newest(cursor)
    if found is None:
        raise StackError("No contract is in effect yet.", "The DAG bootstrap begins with that of ./logsieve up")
    return found


def apply(env: Servers, before: Contract, declared: Contract, on_step: OnStep) -> Contract:
    """Lets what a person declared follow `before`, which is in effect, and returns it; `before` if it is the same.

    Of its differences none may be `refused`. Raises StackError.
    """
    if changes.same(before, declared):
        in_effect.switch(env.settings, in_effect.write(env.settings, before))
        return before
    after = changes.following(before, declared)
    if wrong := next(sizes.problems(after.of_all_versions), None):
        raise StackError(f"With the columns of earlier versions, {wrong.what}.", f"{wrong.remedy}.")
    file = in_effect.write(env.settings, after)
    on_step("Compile the rules")
    judge_jar.fetch_and_ensure(env.settings.model_copy(update={"contract": file}))
    try:
        with _cursor(env) as cursor, env.outside.search() as client:
            template.names(client)  # before anything is changed
            on_step("Alter the tables")
            _alter(cursor, after)
            on_step("Extend the index")
            reading.use(file)
            _extend(client, Shape.of(env.settings))
            in_effect.switch(env.settings, file)
            if not in_effect.add(cursor, after):
                raise StackError("Another contract has taken effect meanwhile.", "See ./logsieve contract diff")
            # The indexer may just have created one, before it followed.
            _extend(client, Shape.of(env.settings))
    except TransportError as error:
        raise StackError(f"Elasticsearch does not answer: {error}", f"{_AGAIN}.") from error
    except (TroubleError, slices.BusyError) as error:
        raise StackError(str(error), f"{_AGAIN}.") from error
    return after


def driver(env: Servers) -> int | None:
    """The epoch of the driver that runs, or that another one will follow; None: it has ended by itself, or none began.

    Not by its heartbeat: that of a slow driver may be old, and it judges all the same. Raises StackError.
    """
    with _cursor(env) as cursor:
        found = lease.read(cursor)
    return None if found is None or found.ended_epoch == found.epoch else found.epoch


def wait_for_another_driver(env: Servers, epoch: int) -> bool:
    """Waits for the driver after that of the epoch, which ends by itself; returns whether it has begun in time."""
    late = StackError("", "")
    with suppress(StackError):
        retries.until(lambda: driver(env) not in (None, epoch), _DRIVER_SECONDS, lambda _: late)
        return True
    return False


def lifted(env: Servers, found: list[Difference]) -> dict[str, int | None]:
    """By reason that was lifted, the number of bad logs with it; None: too many to count in seconds. Without zeros."""
    reasons = dict.fromkeys(reason for each in found for reason in each.lifted)
    with _cursor(env) as cursor:
        counts = {reason: _count(cursor, reason) for reason in reasons}
    return {reason: count for reason, count in counts.items() if count != 0}


def _count(cursor: Any, reason: str) -> int | None:
    hint = f"/*+ MAX_EXECUTION_TIME({_COUNT_MILLISECONDS}) */"
    table = f"{LOGS_DATABASE}.{TABLES[BAD]}"
    try:
        cursor.execute(f"SELECT {hint} COUNT(*) FROM {table} WHERE JSON_CONTAINS(reasons, %s)", (f'"{reason}"',))
        return int(cursor.fetchone()[0])
    except mysql.connector.Error as error:
        if error.errno != mysql.connector.errorcode.ER_QUERY_TIMEOUT:
            raise
        return None


def _alter(cursor: Any, contract: Contract) -> None:
    with slices.locked(cursor):
        cursor.execute(kept.COLUMNS)
        for table, missing in groupby(kept.missing(contract, cursor.fetchall()), lambda each: each.table):
            if clauses := [each.clause for each in missing if each.clause]:
                slices.alter(cursor, table, ", ".join(clauses))
        cursor.execute(users_tables.COLUMNS)
        for table, clause in [*users_tables.too_narrow(contract, cursor.fetchall())]:
            cursor.execute(f"ALTER TABLE {USERS_DATABASE}.{table} {clause}")


def _extend(client: Elasticsearch, shape: Shape) -> None:
    template.ensure(client, shape)
    for name in sorted(template.names(client)):
        template.prepare(client, name, shape)


@contextmanager
def _cursor(env: Servers) -> Iterator[Any]:
    if not env.outside.has("airflow"):
        raise StackError(
            "The MySQL account that may alter tables is not known.", "Set LOGSIEVE_MYSQL_AIRFLOW_PASSWORD."
        )
    try:
        with (
            closing(env.outside.mysql("airflow", autocommit=True)) as connection,
            closing(connection.cursor()) as cursor,
        ):
            yield cursor
    except mysql.connector.Error as error:
        if error.errno == mysql.connector.errorcode.ER_NO_SUCH_TABLE:
            raise StackError(
                "No contract is in effect yet.", "The DAG bootstrap begins with one: ./logsieve up"
            ) from error
        raise StackError(f"MySQL refuses or does not answer: {error.msg}", f"{_AGAIN}.") from error
