"""When a lease counts as free. The taking of one needs MySQL: tests/integration/test_load.py."""

from datetime import datetime, timedelta

import pytest

from jobs.lease import FREE_AFTER, HEARTBEAT, is_free

NOW = datetime(2026, 11, 23, 1, 2, 3)


@pytest.mark.parametrize(
    ("heartbeat_at", "expected"),
    [
        (NOW, False),
        (NOW - FREE_AFTER, False),
        (NOW - FREE_AFTER - timedelta(milliseconds=1), True),
        (datetime(1970, 1, 1), True),
        (NOW + timedelta(seconds=1), False),
    ],
)
def test_is_free(heartbeat_at: datetime, expected: bool) -> None:
    assert is_free(heartbeat_at, NOW) is expected


def test_a_lost_heartbeat_or_two_do_not_free_it() -> None:
    assert FREE_AFTER > 3 * HEARTBEAT
