"""An accounts export, as a source system hands it over: where it lies, and what must hold of each line."""

import csv
import re
from collections.abc import Iterator
from datetime import date
from itertools import count as count_from
from pathlib import Path
from typing import IO

from include.names import MAX_TEXT

HEADER = "account_no,user_device"

_INT32 = range(-(2**31), 2**31)
_NUMBER = re.compile("-?[0-9]{1,10}")
_LONGEST_LINE = 64 * 1024
"""In bytes."""
_BYTE_ORDER_MARK = "\ufeff"


class ExportRefusedError(ValueError):
    """An accounts export is not as it must be. Nothing of it is loaded."""

    def __init__(self, found: str, remedy: str = "Mend the file and clear the task") -> None:
        super().__init__(f"{found} Nothing was loaded. {remedy}.")


def is_elsewhere(exports: str) -> bool:
    """Whether the exports lie behind a URL: then another system writes them, and we only read."""
    return "://" in exports


def export_file(folder: str | Path, day: date) -> Path:
    """Where one day's export lies."""
    return Path(folder) / f"ds={day.isoformat()}" / "accounts.csv"


def read_export(export: IO[bytes], name: str) -> Iterator[tuple[int, str, int]]:
    """(account_no, user_device, line) of each account of an export, whoever wrote it; `name` is what errors call it.

    Keeps no more than a line in memory, so an account that comes twice is for the caller to find. Empty lines at the
    end are nothing. Raises ExportRefusedError, naming the line, for what is no UTF-8 or no CSV, another header, a
    number that is no 32-bit integer, a device that is empty or longer than MAX_TEXT, and a line without an end, as a
    file that was cut has; and when there is no account at all.
    """
    rows = csv.reader(_whole_lines(export, name), strict=True)
    empty, blank = True, 0
    try:
        header = ",".join(next(rows, []))
        if header != HEADER:
            found = "UTF-8 with a byte order mark" if header.startswith(_BYTE_ORDER_MARK) else f"{header[:200]!r}"
            raise ExportRefusedError(f"{name}, line 1: the header is {found}, not {HEADER!r}.")
        for row in rows:
            if not row:
                blank = blank or rows.line_num
                continue
            number, device = row if len(row) == 2 and not blank else ("", "")
            is_account = _NUMBER.fullmatch(number) and int(number) in _INT32
            if not (is_account and 0 < len(device) <= MAX_TEXT and "\0" not in device):
                raise ExportRefusedError(
                    f"{name}, line {blank or rows.line_num}: {str([] if blank else row)[:200]} is not a 32-bit integer"
                    f" and a device of 1 to {MAX_TEXT} characters, none of them NUL."
                )
            empty = False
            yield int(number), device, rows.line_num
    except (csv.Error, UnicodeDecodeError) as error:
        # The reader counts a line once it has it: one that cannot be decoded it never got.
        line = rows.line_num + isinstance(error, UnicodeDecodeError)
        raise ExportRefusedError(f"{name}, line {line}: not CSV in UTF-8: {error}.") from None
    if empty:
        raise ExportRefusedError(f"{name} has no accounts.")


def _whole_lines(export: IO[bytes], name: str) -> Iterator[str]:
    """Each line, up to LF or CRLF; of a file without one no more is read than a line may have."""
    for number in count_from(1):
        line = export.readline(_LONGEST_LINE)
        if not line:
            return
        if not line.endswith(b"\n"):
            raise ExportRefusedError(
                f"{name}, line {number}: it has no line end: the file was cut, or is still being written.",
                "Hand over the whole file, written under another name and then renamed, and clear the task",
            )
        yield line.decode()
