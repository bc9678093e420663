"""Accounts exports as delivered by a source system: their location, and the rules for each line."""

import csv
from collections.abc import Iterator
from datetime import date
from itertools import count as count_from
from pathlib import Path
from typing import IO

from include.users.shape import Shape, Value

_LONGEST_LINE = 64 * 1024
"""In bytes."""
_BYTE_ORDER_MARK = "\ufeff"


class ExportRefusedError(ValueError):
    """An accounts export is invalid; nothing of it is loaded."""

    def __init__(self, found: str, remedy: str = "Fix the file and clear the task") -> None:
        super().__init__(f"{found} Nothing was loaded. {remedy}.")


def is_elsewhere(exports: str) -> bool:
    """Whether the exports are at a URL: then another system writes them, and Logsieve only reads them."""
    return "://" in exports


def export_file(folder: str | Path, day: date) -> Path:
    """Path of one day's export."""
    return Path(folder) / f"ds={day.isoformat()}" / "accounts.csv"


def read_export(export: IO[bytes], name: str, shape: Shape) -> Iterator[tuple[Value, ...]]:
    """Yields the key, the attributes and the line of each account of an export; `name` is its name in errors.

    Keeps only one line in memory, so the caller must detect duplicate accounts. Empty lines at the end are ignored.
    Raises ExportRefusedError, with the line, for text that is not UTF-8 or not CSV, a wrong header, a value that its
    column does not take, a line without a line end, as in a truncated file, and for an export without accounts.
    """
    rows = csv.reader(_whole_lines(export, name), strict=True)
    empty, blank = True, 0
    try:
        header = ",".join(next(rows, []))
        if header != shape.header:
            found = "UTF-8 with a byte order mark" if header.startswith(_BYTE_ORDER_MARK) else f"{header[:200]!r}"
            raise ExportRefusedError(f"{name}, line 1: the header is {found}, not {shape.header!r}.")
        for row in rows:
            if not row:
                blank = blank or rows.line_num
                continue
            if (account := None if blank else shape.read(row)) is None:
                wanted = ", ".join(f"{each.wanted} ({each.name})" for each in shape.columns)
                raise ExportRefusedError(
                    f"{name}, line {blank or rows.line_num}: {str([] if blank else row)[:200]} is not {wanted}."
                )
            empty = False
            yield *account, rows.line_num
    except (csv.Error, UnicodeDecodeError) as error:
        # The reader counts a line only after decoding it.
        line = rows.line_num + isinstance(error, UnicodeDecodeError)
        raise ExportRefusedError(f"{name}, line {line}: not CSV in UTF-8: {error}.") from None
    if empty:
        raise ExportRefusedError(f"{name} has no accounts.")


def _whole_lines(export: IO[bytes], name: str) -> Iterator[str]:
    """Yields lines that end with LF or CRLF; never reads more than the longest allowed line at once."""
    for number in count_from(1):
        line = export.readline(_LONGEST_LINE)
        if not line:
            return
        if not line.endswith(b"\n"):
            raise ExportRefusedError(
                f"{name}, line {number}: it has no line end: the file is truncated or still being written.",
                "Write the whole file under another name, rename it, and clear the task",
            )
        yield line.decode()
