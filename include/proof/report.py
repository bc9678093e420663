"""The conservation proof: compares the hops with the verdicts over a range of one partition's origins. Pure.

MySQL and the index must match the last verdict on each origin in the status topic, field by field. Origins are compared
one by one only if the checksums of their bucket differ (include/proof/bucket_sums.py).
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from functools import reduce
from typing import Any, Final

import numpy as np

from include.names import origin_key
from include.printable import printable
from include.proof.contents import differing, document_text
from include.topics.offsets import runs

NO_VERDICT: Final = "no status message"
NO_ROW: Final = "no row in MySQL"
TWO_TABLES: Final = "in two tables"
OTHER_IN_MYSQL: Final = "another {field} in MySQL"
NO_DOCUMENT: Final = "no document"
OTHER_IN_INDEX: Final = "another {field} in the index"
ROW_OF_NO_LOG: Final = "row of no log"
UNPROVEN: Final = "cannot be proven, as Kafka has removed what would tell"

WITHOUT_ORIGIN: Final = "document without an origin"
DOCUMENT_OF_NO_LOG: Final = "document of no log"
OTHER_ID: Final = "document whose id is not its origin"
SECOND: Final = "second document of a log"

HOW_TO_FIX: Final = (
    "./logsieve why ORIGIN shows the history of a log and what differs; ./logsieve reconcile --repair"
    " restores rows and documents from their verdicts and removes those of no log."
)

_COUNTS: Final = ("logs", "keys", "messages", "rows", "documents", "refused", "gaps", "expired", "left")

FIRST: Final = 5
"""How many runs of origins of each kind `sentence` names."""


@dataclass(frozen=True)
class Stray:
    """A document that belongs to no log, or doubles another, in the index `index`, with its `origin` field and its
    `partition`, each None if not valid.

    Deleting it requires `seq_no` and `term`, so that a document that was overwritten meanwhile stays.
    """

    id: str
    index: str
    kind: str
    partition: int | None
    origin: str | None
    seq_no: int
    term: int

    def __str__(self) -> str:
        """Its id and its origin, for people; of a doubled one its index."""
        if self.kind == SECOND:
            return printable(f"{self.id} in {self.index}")
        return printable(f"{self.id} has origin {self.origin}" if self.origin else self.id)


@dataclass
class Proof:
    """The result for the origins [first, end) of a partition.

    `differences`: sorted offsets by kind, empty if everything matches. `partition`: None for documents that name none.
    `strays`: documents that belong to no log, or double another.
    `places`: offsets in the status partition of the last verdicts on the origins that differ.
    `messages` may exceed `keys`: the status topic has at-least-once delivery, and logs may be rejudged on purpose.
    `gaps`: number of offsets without a log, which a transactional producer leaves.
    `expired`: the offset before which logs have expired; `left`: number of their remaining rows and documents.
    """

    partition: int | None
    first: int
    end: int
    keys: int = 0
    messages: int = 0
    rows: int = 0
    documents: int = 0
    refused: int = 0
    gaps: int = 0
    expired: int = 0
    left: int = 0
    differences: dict[str, np.ndarray] = field(default_factory=dict)
    strays: list[Stray] = field(default_factory=list)
    places: dict[int, int] = field(default_factory=dict)

    @property
    def kinds(self) -> set[str]:
        """The kinds of differences; empty if everything is whole."""
        return {*self.differences, *(each.kind for each in self.strays)}

    @property
    def logs(self) -> int:
        """Number of logs: offsets in server-logs have no holes except the gaps."""
        return self.end - self.first - self.gaps

    def add(self, found: Mapping[str, np.ndarray]) -> None:
        """Adds differences."""
        for kind, offsets in found.items():
            if len(offsets):
                known = self.differences.get(kind, np.empty(0, np.int64))
                self.differences[kind] = np.union1d(known, offsets)

    def sentence(self) -> str:
        """Returns the numbers for people, with the first origins of every kind of difference."""
        what = f"partition {self.partition}, offsets {self.first:,} to {self.end - 1:,}: {self.logs:,} logs"
        if self.partition is None:
            what = "of no partition: no logs"
        elif not self.logs:
            what = f"partition {self.partition}: no new logs"
        if self.gaps:
            what += f" (offsets without a log: {self.gaps:,}, left by a transactional producer)"
        if self.expired:
            left = f"; {self.left:,} of their rows and documents are left for expire_logs" if self.left else ""
            what += f" (those before offset {self.expired:,} have expired{left})"
        if self.kinds:
            found = [f"{len(these):,} {kind} ({self._first(these)})" for kind, these in self.differences.items()]
            return f"{what}, but {'; '.join([*found, *self._stray_documents()])}"
        if not self.logs:
            return what
        if self.documents < self.logs:  # and nothing differs: the dead-letter file has the others
            with_one = f"{self.documents:,} with one document: Elasticsearch refused the others"
            return f"{what}, each with one status and one row, {with_one}"
        return f"{what}, each with one status, one row and one document"

    def as_json(self) -> dict[str, Any]:
        """Returns the proof as JSON values, with differences as runs of offsets."""
        plain = {name: getattr(self, name) for name in ("partition", "first", "end", *_COUNTS)}
        plain["differences"] = {kind: runs(these) for kind, these in self.differences.items()}
        return plain | {"strays": [asdict(each) for each in self.strays]}

    def to_judge_again(self) -> list[tuple[int, int]]:
        """Returns runs (first, last) of logs that differ and have no verdict that could be sent again."""
        logs = [these for kind, these in self.differences.items() if kind != ROW_OF_NO_LOG]
        return runs(np.setdiff1d(np.concatenate(logs), list(self.places))) if logs else []

    def _first(self, offsets: np.ndarray) -> str:
        found = [tuple(self._origin(offset) for offset in run) for run in runs(offsets)]
        named = [first if first == last else f"{first} to {last}" for first, last in found[:FIRST]]
        return ", ".join([*named, "…"] if len(found) > FIRST else named)

    def _origin(self, offset: int) -> str:
        return origin_key(self.partition or 0, offset) if offset >= 0 else f"kafka_offset {offset}"

    def _stray_documents(self) -> list[str]:
        found: dict[str, list[str]] = defaultdict(list)
        for each in self.strays:
            found[each.kind].append(str(each))
        more = {kind: ["…"] if len(these) > FIRST else [] for kind, these in found.items()}
        return [f"{len(these):,} {kind} ({', '.join(these[:FIRST] + more[kind])})" for kind, these in found.items()]


def differences(
    offsets: np.ndarray,
    verdicts: Mapping[int, bytes],
    rows: Iterable[tuple[int, bytes]],
    documents: Iterable[tuple[int, dict[str, Any]]],
    refused: Iterable[int],
) -> dict[str, np.ndarray]:
    """Compares verdicts, rows and documents origin by origin; returns the differing offsets by kind.

    `verdicts` and `rows` hold texts, `documents` records, at most one of each origin; `refused`: offsets in the
    dead-letter file.
    """
    found: dict[str, list[int]] = defaultdict(list)
    texts, records, letters = _by_offset(rows), dict(documents), set(refused)
    for offset in offsets.tolist():
        verdict, here, indexed = verdicts.get(offset), texts[offset], records.get(offset)
        kinds = {
            NO_VERDICT: verdict is None,
            NO_ROW: not here,
            TWO_TABLES: len(here) > 1,
            NO_DOCUMENT: indexed is None and offset not in letters,
        }
        named = [kind for kind, is_so in kinds.items() if is_so]
        if verdict is not None and len(here) == 1 and here[0] != verdict:
            named += _others(OTHER_IN_MYSQL, verdict, json.loads(here[0]))
        if verdict is not None and indexed is not None and document_text(indexed) != verdict:
            named += _others(OTHER_IN_INDEX, verdict, indexed)
        for kind in named:
            found[kind].append(offset)
    return {kind: np.array(these, np.int64) for kind, these in found.items()}


def _others(kind: str, verdict: bytes, held: Mapping[str, Any]) -> list[str]:
    return [kind.format(field=printable(name)) for name in differing(json.loads(verdict), held)]


def _by_offset(pairs: Iterable[tuple[int, Any]]) -> defaultdict[int, list[Any]]:
    found: defaultdict[int, list[Any]] = defaultdict(list)
    for offset, held in pairs:
        found[offset].append(held)
    return found


def is_other(kind: str, hop: str) -> bool:
    """Whether the kind is `hop`, OTHER_IN_MYSQL or OTHER_IN_INDEX, with any field."""
    before, after = hop.split("{field}")
    return kind.startswith(before) and kind.endswith(after)


def nowhere(found: Mapping[str, np.ndarray]) -> np.ndarray:
    """Returns the origins in `differences` that no hop has. There may be no such log."""
    none = np.empty(0, np.int64)
    return reduce(np.intersect1d, (found.get(kind, none) for kind in (NO_VERDICT, NO_ROW, NO_DOCUMENT)))


def explained(
    found: Mapping[str, np.ndarray], gaps: np.ndarray, removed: np.ndarray, gone: int
) -> dict[str, np.ndarray]:
    """Returns `differences` without false ones, and with those that cannot be decided as UNPROVEN.

    Among the origins that are `nowhere`, server-logs has no record at `gaps`, and Kafka has removed the records at
    `removed`. Kafka may have removed the verdicts on origins before `gone`. A log that only server-logs has counts as
    lost.
    """
    known = np.union1d(gaps, removed)
    rest = {kind: np.setdiff1d(these, known) for kind, these in found.items()}
    unjudged = rest.get(NO_VERDICT, known[:0])
    return rest | {NO_VERDICT: unjudged[unjudged >= gone], UNPROVEN: np.union1d(removed, unjudged[unjudged < gone])}
