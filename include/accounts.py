"""The accounts the generator speaks of, and their daily exports: what a source system would hand us."""

import csv
import os
import random
from collections.abc import Iterable
from datetime import date
from pathlib import Path

from include.names import MAX_TEXT

DEVICES = ("ANDROID", "IOS", "WINDOWS", "MACOS", "LINUX", "CHROMEOS")

ACCOUNT_NUMBERS = range(1, 2**30)
"""Where every account's number comes from: a number outside belongs to nobody, on any day."""
EXAMPLE_ACCOUNT = 684
"""The account of the examples in the documents; it is always there."""

HEADER = "account_no,user_device"

_INT32 = range(-(2**31), 2**31)


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


def read_export(lines: Iterable[str], name: str) -> list[tuple[int, str]]:
    """(account_no, user_device) of each line of an export, whoever wrote it; `name` is what errors call it.

    Raises ValueError, naming the line, for another header, a number that is no 32-bit integer, an account that comes
    twice, and a device that is empty or longer than MAX_TEXT; and when there is no account at all.
    """
    rows = csv.reader(lines, strict=True)
    header = ",".join(next(rows, []))
    if header != HEADER:
        raise ValueError(f"{name}: the first line is {header!r}, not {HEADER!r}")
    devices: dict[int, str] = {}
    for row in rows:
        try:
            number, device = int(row[0]), row[1]
        except (ValueError, IndexError):
            raise ValueError(f"{name}, line {rows.line_num}: {row} is not a number and a device") from None
        if number not in _INT32 or number in devices or len(row) != 2 or not 0 < len(device) <= MAX_TEXT:
            raise ValueError(f"{name}, line {rows.line_num}: {row} is out of bounds, or a second line of its account")
        devices[number] = device
    if not devices:
        raise ValueError(f"{name} has no accounts")
    return list(devices.items())
