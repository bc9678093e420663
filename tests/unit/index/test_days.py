"""The index of a document follows from `received_at` alone, and senders cannot cause many indices."""

import json
from datetime import date, timedelta

import pytest

from include.index.days import day_of, index_of, is_ours
from include.names import ODD_INDEX

TODAY = date(2026, 11, 30)


@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": ")])
@pytest.mark.parametrize("device", ["IOS", '"received_at":"1999-01-01T', '\\"received_at":"1999-01-01T', "received_at"])
def test_the_day_is_that_of_the_field_whatever_the_texts_before_it_contain(
    device: str, separators: tuple[str, str]
) -> None:
    verdict = {"device": device, "event_id": device, "received_at": "2026-11-29T23:59:59.999Z", "raw": "e30="}
    assert day_of(json.dumps(verdict, separators=separators).encode()) == b"2026-11-29"


@pytest.mark.parametrize("value", [b"", b"{}", b'{"received_at":null}', b'{"received_at":"soon"}', b"\xff"])
def test_a_message_without_a_time_has_no_day_and_goes_to_the_odd_index(value: bytes) -> None:
    assert day_of(value) == b""
    assert index_of(b"", TODAY, ()) == ODD_INDEX


@pytest.mark.parametrize("days", [-400, -1, 0, 1])
def test_a_near_day_has_an_index(days: int) -> None:
    day = TODAY + timedelta(days)
    assert index_of(str(day).encode(), TODAY, ()) == f"server-logs-{day:%Y.%m.%d}"


@pytest.mark.parametrize(
    "day", [b"2025-10-25", b"2026-12-02", b"1970-01-01", b"9999-12-31", b"2026-02-30", b"0000-00-00"]
)
def test_a_day_that_is_far_off_or_does_not_exist_has_none(day: bytes) -> None:
    assert index_of(day, TODAY, ()) == ODD_INDEX


def test_a_day_keeps_the_index_that_it_has_so_that_a_correction_finds_its_document() -> None:
    assert index_of(b"2020-01-02", TODAY, {"server-logs-2020.01.02"}) == "server-logs-2020.01.02"


def test_names_of_others_are_not_ours() -> None:
    assert is_ours("server-logs-2026.11.30")
    assert is_ours(ODD_INDEX)
    for name in ("server-logs", "server-logs-before-20261130t120000-2026.11.30", "server-logs-2026.11.30x", "another"):
        assert not is_ours(name)
