"""What load notes of the rows that it replaces: which, of when, and why. Pure."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Final, NamedTuple

import pyarrow as pa

from include.names import BY_STREAM

SENT_AS: Final = "sent_as"
"""Column of a batch: the offset of its message in the status topic."""


class Correction(NamedTuple):
    """The replaced rows of one cause: columns of the table `corrected`. The times are text, in UTC without a zone."""

    status_offset: int
    first_offset: int
    last_offset: int
    logs: int
    cause: str | None
    first_received_at: str
    last_received_at: str


def of(rows: pa.Table, causes: Mapping[int, str | None]) -> list[Correction]:
    """One correction for each cause among the rows, which replace others.

    Columns: kafka_offset, received_at (text ending in Z), SENT_AS. `causes`: by SENT_AS; the others are the stream's.
    """
    found = defaultdict[str | None, list[tuple[int, int, str]]](list)
    columns = (rows[name].to_pylist() for name in (SENT_AS, "kafka_offset", "received_at"))
    for sent_as, offset, received_at in zip(*columns, strict=True):
        found[causes.get(sent_as, BY_STREAM)].append((sent_as, offset, received_at[:-1]))
    return [_correction(cause, *zip(*of_cause, strict=True)) for cause, of_cause in found.items()]


def _correction(
    cause: str | None, sent_as: tuple[int, ...], offsets: tuple[int, ...], times: tuple[str, ...]
) -> Correction:
    return Correction(max(sent_as), min(offsets), max(offsets), len(offsets), cause, min(times), max(times))
