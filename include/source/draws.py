"""Draws the account and the time of each log from a seed, in batches. No I/O."""

import random
import time
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import numpy as np

from include.source.accounts import Accounts

DAY_SECONDS: Final = 86_400
DRAWN_AT_ONCE: Final = 500
"""Accounts and times are drawn in batches of this size, which costs a hundredth of drawing them singly."""


class Log(NamedTuple):
    """A message for the logs topic, with its expected status. `kind` says what it was made to be."""

    key: bytes
    value: bytes | None
    status: str
    kind: str


class Draws:
    """Endless, seeded source of accounts and times. The same arguments and the same clock give the same ones.

    A time is now, or any second of the last `late_days` days; the attributes are its account's on that UTC day.
    `clock`: seconds since 1970. Raises ValueError if the two shares add up to more than 1.
    """

    def __init__(
        self,
        accounts: Accounts,
        seed: int | str,
        *,
        share_bad: float,
        share_suspicious: float,
        late_days: int = 0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        if min(share_bad, share_suspicious) < 0 or round(share_bad + share_suspicious, 9) > 1:
            raise ValueError(
                f"share_bad {share_bad} and share_suspicious {share_suspicious} must be 0 or more, and at most 1 in all"
            )
        self._rng = random.Random(seed)  # noqa: S311  made-up data, no secrets
        self._accounts = accounts
        self._bad_below = share_bad
        self._suspicious_below = share_bad + share_suspicious
        self._late_seconds = late_days * DAY_SECONDS
        self._clock = clock
        self._drawn: list[Any] = []
        self._drawn_in = 0

    def _next(self, now: int) -> Any:
        """The next account's number, its attributes, and the time of its event if logs may be late."""
        if not self._drawn or self._drawn_in != now // 60:
            self._draw(now)
        return self._drawn.pop()

    def _draw(self, now: int) -> None:
        """Draws accounts and times for the next logs, valid for this minute."""
        population = self._accounts.population
        bits = np.frombuffer(self._rng.randbytes(16 * DRAWN_AT_ONCE), np.uint64).reshape(2, DRAWN_AT_ONCE)
        times = (now - (bits[0] % (self._late_seconds + 1)).astype(np.int64)).clip(*population.times)
        places = (bits[1] % self._accounts.count).astype(np.int64)
        numbers, chosen = self._accounts.at(places, times // DAY_SECONDS)
        named = [
            [allowed[place] for place in which.tolist()]
            for allowed, which in zip(population.attributes, chosen, strict=True)
        ]
        self._drawn = list(zip(numbers.tolist(), *named, times.tolist(), strict=True))
        self._drawn_in = now // 60
