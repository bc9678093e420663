"""Tables for the terminal and for the docs."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table


def new(*header: str, title: str | None = None) -> Table:
    """A table that wraps cells instead of truncating them on a narrow terminal."""
    table = Table(title=title, title_justify="left")
    for name in header:
        table.add_column(name, overflow="fold")
    return table


def show(console: Console, title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Prints a table; all columns except the first are right-aligned."""
    table = new(*header, title=title)
    for column in table.columns[1:]:
        column.justify = "right"
    for row in rows:
        table.add_row(*row)
    console.print(table)


def markdown(header: Sequence[str], rows: Sequence[Sequence[str]], *, numbers: bool = True) -> str:
    """The same table as Markdown, without a title. `numbers`: whether all columns but the first are right-aligned."""
    lines = [header, ["---", *["---:" if numbers else "---"] * (len(header) - 1)], *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
