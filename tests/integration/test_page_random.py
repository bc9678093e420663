"""Requests with parameters drawn at random: the page answers each soon, and never with a server's error."""

import time
from datetime import datetime
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.integration.stack import PATIENCE, Stack, wait_until_it_loads
from tests.integration.test_page_api import page

SECONDS = 10 * PATIENCE
"""The page limits each of its servers to a few seconds."""

ZONES = st.sampled_from(["", "Z", "+14:00", "-14:00", "+00:00"])
TIMES = st.one_of(
    st.builds(lambda at, zone: at.isoformat() + zone, st.datetimes(), ZONES),
    st.builds(
        lambda at, zone: at + zone,
        st.sampled_from(["0001-01-01T00:00:00", "1970-12-31T23:59:59", "2038-01-19T03:14:08", "9999-12-31T23:59:59"]),
        ZONES,
    ),
    st.builds(lambda at: at.isoformat() + "Z", st.datetimes(datetime(2026, 1, 1), datetime(2100, 1, 1))),
    st.text(max_size=30),
    st.integers().map(str),
)
NUMBERS = st.one_of(st.integers(-1, 10**20), st.sampled_from([0, 2**31 - 1, 2**31, 2**63 - 1, 2**63, 10**15 - 1]))
PLACES = st.one_of(st.text(max_size=61), st.builds("{}-{}-{}".format, NUMBERS, NUMBERS, NUMBERS))
ORIGINS = st.one_of(st.text(max_size=70), st.builds("{}-{}".format, NUMBERS, NUMBERS))
WORDS = st.lists(st.one_of(st.text(max_size=10), st.sampled_from(["good", "bad", "not_json", "IOS", "FR"])), max_size=3)
FILTERS = {
    "status": WORDS,
    "reason": WORDS,
    "location_country": WORDS,
    "device": WORDS,
    "account_id": st.lists(NUMBERS.map(str), max_size=3),
    "from": TIMES,
    "to": TIMES,
}
LIST = FILTERS | {"search": st.one_of(ORIGINS, NUMBERS.map(str)), "size": NUMBERS.map(str), "before": PLACES}
REQUESTS = st.one_of(
    st.tuples(st.just("data/summary"), st.fixed_dictionaries({}, optional=FILTERS)),
    st.tuples(st.just("data/logs"), st.fixed_dictionaries({}, optional=LIST)),
    st.tuples(ORIGINS.map(lambda origin: "data/log/" + quote(origin, safe="")), st.just({})),
)


@pytest.fixture(scope="module")
def viewer(stack: Stack) -> httpx.Client:
    wait_until_it_loads(stack)
    return page(stack, "viewer")


@given(request=REQUESTS)
@settings(max_examples=150, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@example(("data/logs", {"before": "999999999999999-0-1"}))
@example(("data/logs", {"before": "253402300800000-0-1"}))
@example(("data/logs", {"before": "1-9999999999-1"}))
@example(("data/logs", {"search": "9999999999-9999999999999999999"}))
@example(("data/log/9999999999-9999999999999999999", {}))
@example(("data/summary", {"from": "0001-01-01T00:00:00+14:00"}))
@example(("data/summary", {"to": "0001-01-01T00:30:00Z"}))
@example(("data/summary", {"from": "9999-12-01T00:00:00Z", "to": "9999-12-31T23:59:59-14:00"}))
def test_no_request_of_a_viewer_fails_or_takes_long(viewer: httpx.Client, request: tuple[str, dict[str, Any]]) -> None:
    path, query = request
    begun = time.monotonic()
    answer = viewer.get(path, params=query)
    assert answer.status_code in (200, 404, 422), (answer.status_code, answer.text[:300])
    assert time.monotonic() - begun < SECONDS
    assert answer.json().get("source") != "mysql", "Elasticsearch has refused nothing"
