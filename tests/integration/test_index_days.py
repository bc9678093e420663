"""Documents are in an index for each day and in one for odd days; a correction finds its document there."""

import json
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from include.index import template
from include.index.template import Shape
from include.names import ODD_INDEX, origin_key
from include.settings import Settings
from tests.integration.stack import Origin, Stack, check, prove, until, wait_until_it_loads
from tests.integration.test_envelopes import send_at, without_the_first_wall
from tests.integration.test_expire import send_verdict, until_processed

EACH = 20


def index_of(day: datetime) -> str:
    return f"server-logs-{day:%Y.%m.%d}"


def places(stack: Stack, origins: list[Origin]) -> Counter[str]:
    return Counter(hit["_index"] for hit in stack.hits([origin_key(*origin) for origin in origins]))


def corrected(stack: Stack, origin: Origin, change: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """Sends a correction of the log's document, and returns the only document once it is corrected."""
    key = origin_key(*origin)
    record = stack.document(key) | {"revision": 1}
    change(record)
    until_processed(stack, origin[0], send_verdict(stack, record))

    def alone() -> dict[str, Any] | None:
        found = stack.hits([key])
        return found[0] if len(found) == 1 and found[0]["_source"]["revision"] else None

    hit: dict[str, Any] = until(alone, 10, "there is one document, and it is corrected")
    assert hit["_source"] == record
    return hit


def test_each_day_has_an_index_and_days_far_off_share_one(stack: Stack) -> None:
    wait_until_it_loads(stack)
    since, now = stack.now(), datetime.now(UTC)
    times = [now, now - timedelta(days=3), now - timedelta(days=39), datetime(1971, 1, 1, tzinfo=UTC)]
    with without_the_first_wall(stack):
        origins = send_at(stack, [*times, now + timedelta(days=900)], EACH)
        every = [origin for some in origins for origin in some]
        until(lambda: set(every) <= stack.loaded(since), 60, "all are loaded")
    check(stack, since)
    wanted = [*map(index_of, times[:3]), ODD_INDEX, ODD_INDEX]
    assert [places(stack, some) for some in origins] == [Counter({index: EACH}) for index in wanted]

    assert corrected(stack, origins[1][0], lambda record: record.update(device="IOS"))["_index"] == wanted[1]

    def in_time(record: dict[str, Any]) -> None:
        record["received_at"] = times[0].isoformat(timespec="milliseconds").replace("+00:00", "Z")

    # Its day was far ahead when it came, and is not any more.
    assert corrected(stack, origins[4][0], in_time)["_index"] == wanted[0]
    prove(stack, since)


def test_a_new_index_has_the_shards_of_the_settings_and_readers_have_one_name(stack: Stack) -> None:
    found = stack.search("server-logs/_alias")
    assert {index_of(datetime.now(UTC)), ODD_INDEX} <= found.keys()
    settings = stack.search("server-logs/_settings")
    assert {each["settings"]["index"]["number_of_shards"] for each in settings.values()} == {"1"}
    total = stack.search("server-logs/_count")["count"]
    assert total == sum(stack.search(f"{name}/_count")["count"] for name in found) > 0
    assert json.loads(stack.run("curl", "/server-logs/_count").stdout)["count"] >= total
    another = "server-logs-2026.01.01"
    with stack.env.outside.search() as client:
        template.prepare(client, another, Shape.of(Settings(index_shards=3, index_replicas=1)))
    try:
        index = stack.search(f"{another}/_settings")[another]["settings"]["index"]
        assert (index["number_of_shards"], index["number_of_replicas"]) == ("3", "1")
        assert another in stack.search("server-logs/_alias")
    finally:
        stack.search(another, method="DELETE")
