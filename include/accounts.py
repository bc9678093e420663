"""The accounts the generator speaks of, and their daily exports: what a source system would hand us."""

import csv
import os
import random
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import IO

from include.names import MAX_TEXT

DEVICES = ("ANDROID", "IOS", "WINDOWS", "MACOS", "LINUX", "CHROMEOS")

ACCOUNT_NUMBERS = range(1, 2**30)
"""Where every account's number comes from: a number outside belongs to nobody, on any day."""
EXAMPLE_ACCOUNT = 684
"""The account of the examples in the documents; it is always there."""

HEADER = "account_no,user_device"

_INT32 = range(-(2**31), 2**31)
_NUMBER = re.compile("-?[0-9]{1,10}")
_LONGEST_LINE = 64 * 1024
"""In bytes: what has no end of line is not read as one."""


class ExportRefusedError(ValueError):
    """An accounts export is not as it must be. Nothing of it is loaded."""

    def __init__(self, found: str, remedy: str = "Mend the file and clear the task") -> None:
        super().__init__(f"{found} Nothing was loaded. {remedy}.")


class Accounts:
    """`count` accounts with a device each; the same seed and count give the same ones."""

    def __init__(self, seed: int, count: int) -> None:
        self._seed = seed
        self._count = count

    def devices_on(self, day: date) -> dict[int, str]:
        """Device of each account on a UTC day, by account_no (distinct, from ACCOUNT_NUMBERS). Every day is alike."""
        rng = random.Random(self._seed)  # noqa: S311  made-up data, no secrets
        numbers = dict.fromkeys([EXAMPLE_ACCOUNT, *rng.sample(ACCOUNT_NUMBERS, self._count)])
        devices = rng.choices(DEVICES, k=self._count)
        # The example account may make one too many: zip leaves the last out.
        return dict(zip(numbers, devices, strict=False))


def export_file(folder: str | Path, day: date) -> Path:
    """Where one day's export lies."""
    return Path(folder) / f"ds={day.isoformat()}" / "accounts.csv"


def write_export(folder: str | Path, day: date, accounts: Accounts) -> Path:
    """Write one day's export, UTF-8 text with the columns of HEADER, and return its file.

    The file appears whole or not at all, and replaces one that is there. Raises OSError when the folder cannot be
    written.
    """
    file = export_file(folder, day)
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_name(f".{file.name}.{os.getpid()}")
    with unfinished.open("w", encoding="utf-8", newline="\n") as out:
        out.write(f"{HEADER}\n")
        out.writelines(f"{number},{device}\n" for number, device in accounts.devices_on(day).items())
        out.flush()
        os.fsync(out.fileno())
    unfinished.replace(file)
    return file


def ensure_export(folder: str | Path, day: date, accounts: Accounts) -> Path:
    """Write one day's export unless it is there: what has been handed over is not changed. Returns its file."""
    file = export_file(folder, day)
    return file if file.exists() else write_export(folder, day, accounts)


def read_export(export: IO[bytes], name: str) -> Iterator[tuple[int, str, int]]:
    """(account_no, user_device, line) of each account of an export, whoever wrote it; `name` is what errors call it.

    Keeps no more than a line in memory, so an account that comes twice is for the caller to find. Raises
    ExportRefusedError, naming the line, for what is no UTF-8 or no CSV, another header, a number that is no 32-bit
    integer, and a device that is empty or longer than MAX_TEXT; and when there is no account at all.
    """
    rows = csv.reader((line.decode() for line in iter(lambda: export.readline(_LONGEST_LINE), b"")), strict=True)
    empty = True
    try:
        header = ",".join(next(rows, []))
        if header != HEADER:
            raise ExportRefusedError(f"{name}, line 1: the header is {header[:200]!r}, not {HEADER!r}.")
        for row in rows:
            number, device = row if len(row) == 2 else ("", "")
            if not (_NUMBER.fullmatch(number) and int(number) in _INT32 and 0 < len(device) <= MAX_TEXT):
                raise ExportRefusedError(
                    f"{name}, line {rows.line_num}: {str(row)[:200]} is not a 32-bit integer and a device of 1 to"
                    f" {MAX_TEXT} characters."
                )
            empty = False
            yield int(number), device, rows.line_num
    except (csv.Error, UnicodeDecodeError) as error:
        # The reader counts a line once it has it: one that cannot be decoded it never got.
        line = rows.line_num + isinstance(error, UnicodeDecodeError)
        raise ExportRefusedError(f"{name}, line {line}: not CSV in UTF-8: {error}.") from None
    if empty:
        raise ExportRefusedError(f"{name} has no accounts.")
