"""The `users` command, which shows the users dimension."""

import json
from contextlib import closing
from datetime import date
from typing import Annotated, Any

import typer
from rich.markup import escape

from include import names
from include.printable import printable
from include.stack import tables
from include.stack.commands.terminal import Json, out, servers
from include.stack.errors import StackError
from include.stack.own_servers import Servers
from include.users.history import BEGINNING

app = typer.Typer()

_PERIODS = (
    "SELECT user_device AS device, valid_from, valid_to, seen_from"
    f" FROM {names.USERS_DATABASE}.{names.HISTORY_TABLE} WHERE account_no = %s ORDER BY valid_from"
)
_DAYS = f"SELECT COUNT(*) AS days FROM {names.USERS_DATABASE}.{names.LOADS_TABLE}"


# A negative number is a valid account, not an option.
@app.command(context_settings={"ignore_unknown_options": True})
def users(
    account: Annotated[int, typer.Argument(metavar="ACCOUNT", help="Account number, such as 684.")],
    as_json: Json = False,
) -> None:
    """Prints which device an account was expected to use, by period."""
    periods = read(servers(), account)
    if as_json:
        shown = [{**period, "current": period["valid_to"] is None} for period in periods]
        out.print_json(json.dumps({"account_no": account, "periods": shown}, default=date.isoformat))
        return
    table = tables.new("device", "from", "to", "")
    for period in periods:
        begin, end = period["valid_from"], period["valid_to"]
        since = f"the beginning (first seen {period['seen_from']})" if begin == BEGINNING else str(begin)
        table.add_row(escape(printable(period["device"])), since, str(end or ""), "" if end else "current")
    out.print(table)
    if periods[-1]["valid_to"] is not None:
        out.print(f"Account {account} has been unknown since {periods[-1]['valid_to']}.", highlight=False)


def read(env: Servers, account: int) -> list[dict[str, Any]]:
    """Periods of an account, oldest first: device, valid_from, valid_to (exclusive; None: current) and seen_from.

    Raises StackError for an account that was never known, or if MySQL does not answer.
    """
    from mysql.connector import Error as MySqlError

    try:
        with closing(env.outside.mysql()) as connection:
            cursor = connection.cursor(dictionary=True)
            cursor.execute(_PERIODS, (account,))
            periods: list[Any] = cursor.fetchall()
            cursor.execute(_DAYS)
            found: Any = cursor.fetchone()
    except MySqlError as error:
        raise StackError(f"MySQL does not answer: {error.msg}", "Check ./logsieve status") from error
    if not periods:
        raise StackError(
            f"Account {account} was never known: it is in none of the {found['days']:,} loaded days.",
            "Load more days with the DAG users_dimension, or search the accounts exports for it.",
        )
    return periods
