"""The generator's accounts and their daily exports, in place of a source system."""

import os
from datetime import date
from itertools import count as count_from
from math import gcd
from pathlib import Path

import numpy as np

from include.users.export import export_file

HEADER = "account_no,user_device"
DEVICES = ("ANDROID", "IOS", "WINDOWS", "MACOS", "LINUX", "CHROMEOS")

ACCOUNT_NUMBERS = range(1, 2**30)
"""All account numbers are from this range: a number outside it never belongs to an account."""
EXAMPLE_ACCOUNT = 684
"""The account used by examples in the documentation; it always exists."""

LIFE_DAYS = 1000
"""Average lifetime of an account: 0.1 % leave each day, and as many join."""
DEVICE_DAYS = 280
"""Average time a device is used. One in six successors is of the same kind: 0.3 % of accounts change each day."""

_FIRST_DAY = date(1970, 1, 1)


class Accounts:
    """`count` accounts on every day that join, leave and change devices; seed and count determine them.

    Each account has a place, 0 to count-1, which a new account takes when the old one leaves. Each event of a place
    happens once per period, on a random day of it, so any day can be computed without the days before it.
    """

    def __init__(self, seed: int, count: int) -> None:
        self.count = count
        self._seed = seed % 2**64
        # A step without a common divisor visits every number once before it repeats one.
        start = int(self._drawn(len(ACCOUNT_NUMBERS), np.zeros(1, np.int64))[0])
        self._step = next(step for step in count_from(start) if gcd(step, len(ACCOUNT_NUMBERS)) == 1)

    def at(self, places: np.ndarray, days: np.ndarray | int) -> tuple[np.ndarray, np.ndarray]:
        """account_no and index into DEVICES of the accounts in these places, on these UTC days since 1970.

        Numbers are unique within a day; 10 million accounts use all numbers in about 300 years and then reuse them.
        """
        life, device = self._turns(LIFE_DAYS, places, days), self._turns(DEVICE_DAYS, places, days)
        steps = 1 + (life * (self.count - 1) + places - 1) % (len(ACCOUNT_NUMBERS) - 1)
        steps[places == 0] = 0  # the example account's number, which no other place gets
        numbers = (EXAMPLE_ACCOUNT - ACCOUNT_NUMBERS.start + steps * self._step) % len(ACCOUNT_NUMBERS)
        return numbers + ACCOUNT_NUMBERS.start, self._drawn(len(DEVICES), places, life, device)

    def devices_on(self, day: date) -> dict[int, str]:
        """Device of each account on a UTC day, by account_no (unique, from ACCOUNT_NUMBERS)."""
        numbers, devices = self.at(np.arange(self.count), (day - _FIRST_DAY).days)
        return dict(zip(numbers.tolist(), np.array(DEVICES, object)[devices].tolist(), strict=True))

    def _turns(self, every: int, places: np.ndarray, days: np.ndarray | int) -> np.ndarray:
        """How often an event that each place has once per `every` days has happened by these days."""
        whole, rest = np.divmod(days, every)
        return whole + (self._drawn(every, places, whole, every) <= rest)

    def _drawn(self, below: int, places: np.ndarray, *of: np.ndarray | int) -> np.ndarray:
        """A pseudo-random number from 0 to below-1 per place and purpose: splitmix64, the same in any process."""
        bits: np.ndarray = places.astype(np.uint64)
        for part in (self._seed, *of):
            bits = bits * 0x9E3779B97F4A7C15 + np.asarray(part).astype(np.uint64)
            bits = (bits ^ (bits >> 30)) * 0xBF58476D1CE4E5B9
            bits = (bits ^ (bits >> 27)) * 0x94D049BB133111EB
            bits ^= bits >> 31
        return (bits % below).astype(np.int64)


def write_export(folder: str | Path, day: date, accounts: Accounts) -> Path:
    """Write one day's export, UTF-8 text with the columns of HEADER, and return its file.

    The file appears as a whole and replaces an existing one. Raises OSError if the folder cannot be written.
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
    """Write one day's export unless it exists: delivered exports are not changed. Returns its file."""
    file = export_file(folder, day)
    return file if file.exists() else write_export(folder, day, accounts)
