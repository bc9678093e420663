"""The accounts the generator speaks of, and their daily exports: what a source system would hand us."""

import csv
import os
import re
from collections.abc import Iterator
from datetime import date
from itertools import count as count_from
from math import gcd
from pathlib import Path
from typing import IO

import numpy as np

from include.names import MAX_TEXT

DEVICES = ("ANDROID", "IOS", "WINDOWS", "MACOS", "LINUX", "CHROMEOS")

ACCOUNT_NUMBERS = range(1, 2**30)
"""Where every account's number comes from: a number outside belongs to nobody, on any day."""
EXAMPLE_ACCOUNT = 684
"""The account of the examples in the documents; it is always there."""

LIFE_DAYS = 1000
"""How long an account stays on average: 0.1 % leave each day, and as many join."""
DEVICE_DAYS = 280
"""How long a device is used on average. One time in six the next is of the same kind: 0.3 % change each day."""

HEADER = "account_no,user_device"

_INT32 = range(-(2**31), 2**31)
_FIRST_DAY = date(1970, 1, 1)
_NUMBER = re.compile("-?[0-9]{1,10}")
_LONGEST_LINE = 64 * 1024
"""In bytes."""
_BYTE_ORDER_MARK = "\ufeff"


class ExportRefusedError(ValueError):
    """An accounts export is not as it must be. Nothing of it is loaded."""

    def __init__(self, found: str, remedy: str = "Mend the file and clear the task") -> None:
        super().__init__(f"{found} Nothing was loaded. {remedy}.")


class Accounts:
    """`count` accounts on every day. They join, leave and change devices; the same seed and count give the same ones.

    Each has a place, 0 to count-1; who leaves it is followed by another. What happens to a place happens once in each
    stretch of so many days, on a day that is drawn for it: so any day can be asked for without those before it.
    """

    def __init__(self, seed: int, count: int) -> None:
        self.count = count
        self._seed = seed % 2**64
        # Steps of a length without a common divisor reach every number once before they reach one twice.
        start = int(self._drawn(len(ACCOUNT_NUMBERS), np.zeros(1, np.int64))[0])
        self._step = next(step for step in count_from(start) if gcd(step, len(ACCOUNT_NUMBERS)) == 1)

    def at(self, places: np.ndarray, days: np.ndarray | int) -> tuple[np.ndarray, np.ndarray]:
        """account_no and position in DEVICES of the accounts in these places, on these UTC days since 1970.

        No number comes twice on one day; 10 million accounts use up all of them in about 300 years, and begin again.
        """
        life, device = self._turns(LIFE_DAYS, places, days), self._turns(DEVICE_DAYS, places, days)
        steps = 1 + (life * (self.count - 1) + places - 1) % (len(ACCOUNT_NUMBERS) - 1)
        steps[places == 0] = 0  # the example's number: no other place comes to it
        numbers = (EXAMPLE_ACCOUNT - ACCOUNT_NUMBERS.start + steps * self._step) % len(ACCOUNT_NUMBERS)
        return numbers + ACCOUNT_NUMBERS.start, self._drawn(len(DEVICES), places, life, device)

    def devices_on(self, day: date) -> dict[int, str]:
        """Device of each account on a UTC day, by account_no (distinct, from ACCOUNT_NUMBERS)."""
        numbers, devices = self.at(np.arange(self.count), (day - _FIRST_DAY).days)
        return dict(zip(numbers.tolist(), np.array(DEVICES, object)[devices].tolist(), strict=True))

    def _turns(self, every: int, places: np.ndarray, days: np.ndarray | int) -> np.ndarray:
        """How often that had happened by these days which happens to each place once in every `every` days."""
        whole, rest = np.divmod(days, every)
        return whole + (self._drawn(every, places, whole, every) <= rest)

    def _drawn(self, below: int, places: np.ndarray, *of: np.ndarray | int) -> np.ndarray:
        """A number from 0 to below-1 for each place and what it is drawn for: splitmix64, the same in any process."""
        bits: np.ndarray = places.astype(np.uint64)
        for part in (self._seed, *of):
            bits = bits * 0x9E3779B97F4A7C15 + np.asarray(part).astype(np.uint64)
            bits = (bits ^ (bits >> 30)) * 0xBF58476D1CE4E5B9
            bits = (bits ^ (bits >> 27)) * 0x94D049BB133111EB
            bits ^= bits >> 31
        return (bits % below).astype(np.int64)


def is_elsewhere(exports: str) -> bool:
    """Whether the exports lie behind a URL: then another system writes them, and we only read."""
    return "://" in exports


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
