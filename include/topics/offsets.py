"""Offsets of a partition, many at once."""

import numpy as np


def runs(offsets: np.ndarray) -> list[tuple[int, int]]:
    """Converts ascending, distinct offsets to (first, last) of each run without a gap."""
    cuts = np.flatnonzero(np.diff(offsets) != 1)
    firsts, lasts = np.append(0, cuts + 1), np.append(cuts, len(offsets) - 1)
    return [(int(offsets[i]), int(offsets[j])) for i, j in zip(firsts, lasts, strict=True)] if len(offsets) else []
