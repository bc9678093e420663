"""The generator's accounts and their daily exports, in place of a source system."""

import csv
import os
from datetime import date
from itertools import count as count_from
from math import gcd
from pathlib import Path

import numpy as np

from include.contract import reading
from include.settings import Settings
from include.source import population
from include.source.population import SIX_FIELDS, Population, Value
from include.users.export import export_file

EXAMPLE_ACCOUNT = 684
"""The account used by examples in the documentation; it always exists."""

LIFE_DAYS = 1000
"""Average lifetime of an account: 0.1 % leave each day, and as many join."""
DEVICE_DAYS = 280
"""Average time an attribute, such as a device, stays. One in six successors is the same: 0.3 % of accounts change each
day."""

_FIRST_DAY = date(1970, 1, 1)


class Accounts:
    """`count` accounts on every day that join, leave and change attributes; seed and count determine them.

    There are fewer if the contract has fewer keys. Each account has a place, 0 to count-1, which a new account takes
    when the old one leaves. Each event of a place happens once per period, on a random day of it, so any day can be
    computed without the days before it.
    """

    def __init__(self, seed: int, count: int, of: Population = SIX_FIELDS) -> None:
        self.population, self._numbers = of, of.numbers
        # Two that follow each other in a place must not meet a third one's number.
        self.count = min(count, len(self._numbers) // 2 + 1)
        self._seed = seed % 2**64
        # A step without a common divisor visits every number once before it repeats one.
        start = int(self._drawn(len(self._numbers), np.zeros(1, np.int64))[0])
        self._step = next(step for step in count_from(start) if gcd(step, len(self._numbers)) == 1)
        self._first = EXAMPLE_ACCOUNT if EXAMPLE_ACCOUNT in self._numbers else self._numbers.start

    @classmethod
    def of(cls, settings: Settings) -> "Accounts":
        """The accounts of the settings and their contract. Raises NoLogError."""
        return cls(settings.seed, settings.accounts, population.of(reading.of(settings)))

    def at(self, places: np.ndarray, days: np.ndarray | int) -> tuple[np.ndarray, list[np.ndarray]]:
        """Numbers of the accounts in these places, on these UTC days since 1970; and of each attribute, which value.

        Numbers are unique within a day; 10 million accounts use all numbers in about 300 years and then reuse them.
        """
        life, total = self._turns(LIFE_DAYS, places, days), len(self._numbers)
        steps = 1 + (life * (self.count - 1) + places - 1) % max(total - 1, 1)
        steps[places == 0] = 0  # the example account's number, which no other place gets
        numbers = (self._first - self._numbers.start + steps * self._step) % total
        chosen = []
        for number, allowed in enumerate(self.population.attributes):
            more = (number,) if number else ()
            turn = self._turns(DEVICE_DAYS, places, days, *more)
            chosen.append(self._drawn(len(allowed), places, life, turn, *more))
        return numbers + self._numbers.start, chosen

    def on(self, day: date) -> dict[Value, tuple[Value, ...]]:
        """The attributes of each account on a UTC day, by its key."""
        numbers, chosen = self.at(np.arange(self.count), (day - _FIRST_DAY).days)
        named = zip(self.population.attributes, chosen, strict=True)
        attributes = [np.array(allowed, object)[which].tolist() for allowed, which in named]
        keys = map(self.population.key, numbers.tolist())
        return dict(zip(keys, zip(*attributes, strict=True), strict=True))

    def _turns(self, every: int, places: np.ndarray, days: np.ndarray | int, *more: int) -> np.ndarray:
        """How often an event that each place has once per `every` days has happened by these days."""
        whole, rest = np.divmod(days, every)
        return whole + (self._drawn(every, places, whole, every, *more) <= rest)

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
    """Write one day's export, CSV in UTF-8 as the contract has it, and return its file.

    The file appears as a whole and replaces an existing one. Raises OSError if the folder cannot be written.
    """
    file = export_file(folder, day)
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_name(f".{file.name}.{os.getpid()}")
    with unfinished.open("w", encoding="utf-8", newline="\n") as out:
        out.write(f"{accounts.population.header}\n")
        rows = csv.writer(out, lineterminator="\n")
        rows.writerows((key, *attributes) for key, attributes in accounts.on(day).items())
        out.flush()
        os.fsync(out.fileno())
    unfinished.replace(file)
    return file


def ensure_export(folder: str | Path, day: date, accounts: Accounts) -> Path | None:
    """Write one day's export unless it exists: delivered exports are not changed. Returns its file.

    Returns None, and writes nothing, if the contract has no dimension.
    """
    if not accounts.population.header:
        return None
    file = export_file(folder, day)
    return file if file.exists() else write_export(folder, day, accounts)
