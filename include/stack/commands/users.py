"""The `users` command, which shows the users dimension."""

import json
from contextlib import closing
from datetime import date
from typing import Annotated, Any

import typer
from rich.markup import escape

from include import names
from include.contract import reading
from include.printable import printable
from include.stack import tables
from include.stack.commands.terminal import Json, out, servers
from include.stack.errors import StackError
from include.stack.own_servers import Servers
from include.users.history import BEGINNING
from include.users.shape import Shape, Value

app = typer.Typer()

_DAYS = f"SELECT COUNT(*) FROM {names.USERS_DATABASE}.{names.LOADS_TABLE}"


# A negative number is a valid account, not an option.
@app.command(context_settings={"ignore_unknown_options": True})
def users(
    key: Annotated[str, typer.Argument(metavar="KEY", help="What the dimension is looked up by, such as account 684.")],
    as_json: Json = False,
) -> None:
    """Prints what an account was expected to have, such as its device, by period."""
    shape, attributes = _shape()
    try:
        account = shape.account(key)
    except ValueError as error:
        raise StackError(f"{error}.", "See ./logsieve contract show") from None
    periods = read(servers(), shape, account)
    if as_json:
        shown = [{**period, "current": period["valid_to"] is None} for period in periods]
        out.print_json(json.dumps({shape.key.name: account, "periods": shown}, default=date.isoformat))
        return
    table = tables.new(*attributes, "from", "to", "")
    for period in periods:
        begin, end = period["valid_from"], period["valid_to"]
        since = f"the beginning (first seen {period['seen_from']})" if begin == BEGINNING else str(begin)
        had = [escape(printable(str(period[name]))) for name in attributes]
        table.add_row(*had, since, str(end or ""), "" if end else "current")
    out.print(table)
    if periods[-1]["valid_to"] is not None:
        known = f"{shape.subject.capitalize()} {printable(str(account))} has been unknown since"
        out.print(f"{known} {periods[-1]['valid_to']}.", highlight=False, markup=False)


def _shape() -> tuple[Shape, list[str]]:
    """The shape of the dimension, and the fields that are compared with its attributes."""
    if (shape := Shape.of(reading.current())) is None:
        raise StackError(
            "The contract has no dimension, so there are no users.",
            "Declare one with [dimension]: docs/contract.md#the-file",
        )
    return shape, [each.field.name for each in shape.attributes]


def read(env: Servers, shape: Shape, key: Value) -> list[dict[str, Any]]:
    """Periods of an account, oldest first: its attributes by the fields that they are compared with, valid_from,
    valid_to (exclusive; None: current) and seen_from.

    Raises StackError for an account that was never known, or if MySQL does not answer.
    """
    from mysql.connector import Error as MySqlError

    had = ", ".join(f"{each.quoted} AS {each.field.name!r}" for each in shape.attributes)
    periods_of = (
        f"SELECT {had}, valid_from, valid_to, seen_from FROM {names.USERS_DATABASE}.{names.HISTORY_TABLE}"
        f" WHERE {shape.key.quoted} = %s ORDER BY valid_from"
    )
    try:
        with closing(env.outside.mysql()) as connection:
            cursor = connection.cursor(dictionary=True)
            cursor.execute(periods_of, (key,))
            periods: list[Any] = cursor.fetchall()
            days = connection.cursor()
            days.execute(_DAYS)
            (count,) = days.fetchone()  # type: ignore[misc]
    except MySqlError as error:
        raise StackError(f"MySQL does not answer: {error.msg}", "Check ./logsieve status") from error
    if not periods:
        raise StackError(
            f"{shape.subject.capitalize()} {printable(str(key))} was never known: it is in none of the {count:,} loaded"
            " days.",
            "Load more days with the DAG users_dimension, or search the accounts exports for it.",
        )
    return periods
