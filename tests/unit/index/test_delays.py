"""How long logs wait for their documents, as counted from status messages and kept with an offset."""

import json
from typing import Any

from include.index import delays
from include.index.messages import StatusMessage
from include.watch.totals import BOUNDS_MS, Delays

AT = 1_795_395_723_000
"""2026-11-23T01:02:03Z"""


def message(partition: int = 0, **changes: Any) -> StatusMessage:
    value = {"event_id": "e", "status": "good", "received_at": "2026-11-23T01:02:03.000Z", "users_version": 3}
    value |= {"revision": 0} | changes
    return StatusMessage(partition, 0, b"0-0", json.dumps(value, separators=(",", ":")).encode())


def test_each_log_counts_in_its_partition() -> None:
    found = delays.of([message(), message(), message(1)], AT + 40)
    place = BOUNDS_MS.index(50)
    assert {partition: each.buckets[place] for partition, each in found.items()} == {0: 2, 1: 1}
    assert found[0].sum_ms == 80


def test_corrections_and_what_is_no_verdict_count_nothing() -> None:
    fake = message(event_id='","received_at":"2000-01-01T00:00:00.000Z","users_version":1,"revision":0')
    odd = [message(0, revision=1), message(1, received_at="x" * 23 + "Z"), StatusMessage(2, 0, b"k", None)]
    assert all(sum(each.buckets) == 0 for each in delays.of(odd, AT).values())
    assert delays.of([fake], AT)[0].sum_ms == 0, "the text of a log is not read as its time"


def test_a_clock_that_is_behind_makes_no_delay_below_zero() -> None:
    assert delays.of([message()], AT - 5)[0].buckets[0] == 1


def test_the_text_beside_an_offset_tells_all_of_it_and_fits() -> None:
    most = Delays([10**12] * (len(BOUNDS_MS) + 1), 10**18)
    assert delays.of_text(delays.to_text(most)) == most
    assert len(delays.to_text(most)) < 400


def test_another_text_beside_an_offset_is_none() -> None:
    for text in (None, "", "x", "delays", "delays 1 2", "somebody else's"):
        assert delays.of_text(text) == Delays()
