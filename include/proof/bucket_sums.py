"""Checksums over BUCKET origins: they show whether a hop matches the verdicts without comparing each log. Pure."""

from typing import Final

import numpy as np

from include.names import STATUSES

BUCKET: Final = 5000

CODES: Final = {status: code for code, status in enumerate(STATUSES, 1)}
"""A status as a small number; 0 means no status."""

Sums = dict[tuple[int, int], tuple[int, int]]
"""By (bucket, code): the number of origins and the sum from `sums`."""


def sums(first: int, codes: np.ndarray, checksums: np.ndarray) -> Sums:
    """Returns count and weighted sum of the checksums of the origins first, first + 1, …, by bucket and code.

    Each checksum is multiplied by its place in the bucket, so that two equal edits cannot cancel each other out.
    """
    offsets = np.arange(first, first + len(codes))
    terms = checksums.astype(np.int64) * (offsets % BUCKET + 1)
    found: Sums = {}
    for code in CODES.values():
        mine = np.flatnonzero(codes == code)
        buckets, starts, counts = np.unique(offsets[mine] // BUCKET, return_index=True, return_counts=True)
        if len(buckets):
            totals = np.add.reduceat(terms[mine], starts)
            for bucket, count, total in zip(buckets.tolist(), counts.tolist(), totals.tolist(), strict=True):
                found[bucket, code] = count, total
    return found


def doubtful(first: int, codes: np.ndarray, checksums: np.ndarray, tables: Sums) -> set[int]:
    """Returns the buckets to compare row by row: a verdict is missing, or the sums from MySQL differ."""
    expected = sums(first, codes, checksums)
    unjudged = {int(bucket) for bucket in np.unique((first + np.flatnonzero(codes == 0)) // BUCKET)}
    return unjudged | {key[0] for key in expected.keys() | tables.keys() if expected.get(key) != tables.get(key)}
