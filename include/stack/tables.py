"""Tables for the terminal and for the docs."""

from collections.abc import Iterator, Sequence
from typing import Final

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table

_BORDER: Final = 3
"""Characters around a cell: its spaces and a line."""


def new(*header: str, title: str | None = None) -> Table:
    """A table that wraps cells instead of truncating them on a narrow terminal."""
    table = Table(title=title, title_justify="left")
    for name in header:
        table.add_column(name, overflow="fold")
    return table


def show(console: Console, title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Prints a table; all columns except the first are right-aligned.

    Where the terminal is too narrow for it, there are several, each with the first column.
    """
    for number, places in enumerate(_fitting(console.width, header, rows)):
        table = new(*(header[place] for place in places), title=None if number else title)
        for column in table.columns[1:]:
            column.justify = "right"
        for row in rows:
            table.add_row(*(row[place] for place in places))
        console.print(table)


def _fitting(width: int, header: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[list[int]]:
    """Yields the places of the columns that fit beside each other: the first, and at least one more."""
    widths = [max(map(cell_len, column)) + _BORDER for column in zip(header, *rows, strict=True)]
    found, left = [0], width - 1 - widths[0]
    for place, needed in enumerate(widths[1:], 1):
        if needed > left and len(found) > 1:
            yield found
            found, left = [0], width - 1 - widths[0]
        found.append(place)
        left -= needed
    yield found


def markdown(header: Sequence[str], rows: Sequence[Sequence[str]], *, numbers: bool = True) -> str:
    """The same table as Markdown, without a title. `numbers`: whether all columns but the first are right-aligned."""
    lines = [header, ["---", *["---:" if numbers else "---"] * (len(header) - 1)], *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
