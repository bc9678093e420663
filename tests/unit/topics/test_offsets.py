"""Offsets of a partition, as runs without a gap."""

import numpy as np
import pytest

from include.topics.offsets import runs


@pytest.mark.parametrize(
    ("found", "expected"),
    [([], []), ([7], [(7, 7)]), ([1, 2, 3], [(1, 3)]), ([1, 3, 4, 9], [(1, 1), (3, 4), (9, 9)])],
)
def test_a_run_ends_at_each_gap(found: list[int], expected: list[tuple[int, int]]) -> None:
    assert runs(np.array(found, dtype=np.int64)) == expected
