"""Tables of figures, for the terminal and for the docs."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table


def new(*header: str, title: str | None = None) -> Table:
    """A table in which nothing is cut where the terminal is narrow: words go on in the next line."""
    table = Table(title=title, title_justify="left")
    for name in header:
        table.add_column(name, overflow="fold")
    return table


def show(console: Console, title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Prints the table; all columns but the first are figures."""
    table = new(*header, title=title)
    for column in table.columns[1:]:
        column.justify = "right"
    for row in rows:
        table.add_row(*row)
    console.print(table)


def markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """The same as Markdown, without title."""
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
