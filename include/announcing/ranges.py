"""Which logs an event announces: ranges of origins that no event before has announced. Pure.

The last event has the position from which the next one continues, so that a position is stored if and only if its event
is: Airflow writes both, and the success of the task, in one transaction.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import Any, Final

MOST_RANGES: Final = 100
"""Most ranges of one Kafka partition and cause in an event of corrections; more become one."""


@dataclass(frozen=True)
class Range:
    """Origins of one Kafka partition, both ends included."""

    partition: int
    first_offset: int
    last_offset: int


@dataclass(frozen=True)
class Corrected(Range):
    """Origins between which rows were replaced: how many, why (see docs/assets.md), and of when these logs are."""

    logs: int
    cause: str | None
    first_received_at: datetime | None
    last_received_at: datetime | None


@dataclass(frozen=True)
class Position:
    """What is announced: by Kafka partition the first offset that is not. `topics`: see `tables.Loaded`."""

    topics: str
    next_offsets: Mapping[int, int]

    def to_extra(self) -> dict[str, Any]:
        """The members of an event's extra that hold it."""
        return {
            "topics": self.topics,
            "next_offsets": {str(number): offset for number, offset in sorted(self.next_offsets.items())},
        }

    @classmethod
    def from_extra(cls, extra: Mapping[str, Any]) -> "Position":
        """The position in an event's extra."""
        return cls(extra["topics"], {int(number): offset for number, offset in extra["next_offsets"].items()})

    def of(self, topics: str) -> Mapping[int, int]:
        """The offsets, if they belong to these topics; else none, for offsets begin again in recreated topics."""
        return self.next_offsets if self.topics == topics else {}

    def moved_to(self, topics: str, ends: Mapping[int, int]) -> "Position":
        """The position after everything before `ends` is announced too; it never moves backwards."""
        known = self.of(topics)
        return Position(topics, {number: max(ends.get(number, 0), known.get(number, 0)) for number in {*ends, *known}})


NOWHERE: Final = Position("", {})
"""The position before the first event."""


def new(announced: Mapping[int, int], ends: Mapping[int, int], expired: Mapping[int, int]) -> list[Range]:
    """The ranges before `ends` that are not announced, by Kafka partition; empty ones are left out.

    Where nothing was announced before, the range begins with the first log that has not expired.
    """
    begins = {number: announced.get(number, expired.get(number, 0)) for number in ends}
    return [Range(number, begins[number], end - 1) for number, end in sorted(ends.items()) if begins[number] < end]


def merged(corrected: Iterable[Corrected]) -> list[Corrected]:
    """Joins ranges of the same cause that overlap or touch; with more than MOST_RANGES in a Kafka partition, all."""
    found = []
    by_place = sorted(corrected, key=lambda each: (each.partition, each.cause or "", each.first_offset))
    for _, ranges in groupby(by_place, key=attrgetter("partition", "cause")):
        joined: list[Corrected] = []
        for each in ranges:
            if joined and each.first_offset <= joined[-1].last_offset + 1:
                joined[-1] = _around(joined[-1], each)
            else:
                joined.append(each)
        found += joined if len(joined) <= MOST_RANGES else [_around(*joined)]
    return found


def _around(*ranges: Corrected) -> Corrected:
    return Corrected(
        ranges[0].partition,
        min(each.first_offset for each in ranges),
        max(each.last_offset for each in ranges),
        sum(each.logs for each in ranges),
        ranges[0].cause,
        min((each.first_received_at for each in ranges if each.first_received_at), default=None),
        max((each.last_received_at for each in ranges if each.last_received_at), default=None),
    )
