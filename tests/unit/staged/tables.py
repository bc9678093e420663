"""A cursor on the three tables that changes their slices as MySQL does, and can fail after some changes."""

import re
from typing import Any

from include.names import TABLES

BOUND = re.compile(r"PARTITION (\w+) VALUES LESS THAN \((\w+), (\w+)\)")


class BrokenOffError(Exception):
    """The run was killed."""


class StagedTables:
    """Tables without slices, and loaded logs of the Kafka partition 0."""

    def __init__(self) -> None:
        self.loaded, self.per_day = 0, 0
        self.changes_left: int | None = None
        """Number of changes after which a run is killed; None for never."""
        self.slices: dict[str, list[tuple[str, str]]] = {table: [] for table in TABLES.values()}
        """Names and bounds."""
        self._answer: list[tuple[Any, ...]] = []

    def execute(self, query: str, values: tuple[Any, ...] = ()) -> None:
        if "information_schema.PARTITIONS" in query:
            found = [bound for _, bound in self.slices[values[1]]]
            self._answer = [(bound,) for bound in found or (None,)]
        elif query.startswith("SELECT kafka_partition, last_offset + 1"):
            self._answer = [(0, self.loaded, self.per_day / 86_400)]
        elif query.startswith("ALTER TABLE logs."):
            self._alter(*query.removeprefix("ALTER TABLE logs.").split(" ", 1))

    def fetchall(self) -> list[tuple[Any, ...]]:
        return self._answer

    def _alter(self, table: str, change: str) -> None:
        if self.changes_left is not None:
            if not self.changes_left:
                raise BrokenOffError
            self.changes_left -= 1
        new = [(name, f"{number},{end}") for name, number, end in BOUND.findall(change)]
        before = self.slices[table]
        if change.startswith("PARTITION BY"):
            assert not before
            self.slices[table] = new
        elif change.startswith("DROP PARTITION "):
            gone = change.removeprefix("DROP PARTITION ").split(", ")
            self.slices[table] = [each for each in before if each[0] not in gone]
        else:
            old = change.removeprefix("REORGANIZE PARTITION ").split(" INTO ")[0].split(", ")
            at = [name for name, _ in before].index(old[0])
            replaced = before[at : at + len(old)]
            assert [name for name, _ in replaced] == old, "they follow one another"
            assert replaced[-1] == new[-1], "the range as a whole is the same"
            self.slices[table] = [*before[:at], *new, *before[at + len(old) :]]
