"""Measures what a refresh of the page "Logs" costs Elasticsearch, with an index of a given size."""

import random
import string
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import numpy as np
from elasticsearch import Elasticsearch

from bench import own_stack
from include import names
from include.contract import reading
from include.index import template
from include.page import filters as log_filters
from include.page import listing
from include.page.counts import Summaries
from include.page.counts_search import SearchSource
from include.page.filters import Filters
from include.page.way_sample import NEWEST
from include.settings import Settings
from include.stack.steps import Steps

RANGES: Final = {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(days=7)}
DAYS: Final = 7
"""The documents are spread evenly over this many days up to now."""
BULK: Final = 5_000
SENDERS: Final = 2
NEW: Final = 100
"""Documents indexed between two refreshes."""
PAUSE_SECONDS: Final = 3
"""The page's refresh interval."""
ROWS: Final = 25
"""Logs in the page's table."""
_COUNTRIES: Final = ("FR", "DE", "US", "JP", "BR", "IN", "GB", "ES", "IT", "CA")
_DEVICES: Final = ("IOS", "ANDROID", "WEB", "WINDOWS", "MACOS")


@dataclass(frozen=True)
class Cost:
    """Milliseconds that Elasticsearch takes for one range of the page: counts, list and hops together."""

    range: str
    documents: int
    first: int
    """For the first view, when nothing is cached."""
    median: float
    """For a refresh, like `longest`."""
    longest: int


def run(documents: int, refreshes: int, seed: int, steps: Steps, *, keep: bool) -> list[Cost]:
    """Fills the index of the bench's own stack, then refreshes each range as the page does. Raises StackError."""
    with (
        own_stack.running(2, 10, seed, steps, keep=keep) as env,
        env.outside.search() as client,
    ):
        rng = random.Random(seed)  # noqa: S311
        with steps.step(f"Index {documents:,} documents") as show:
            for done in fill(client, documents, rng):
                show(f"Index {documents:,} documents: {done:,}")
        found = []
        for name in RANGES:
            with steps.step(f"Refresh the last {name}") as show:
                found.append(_measure(client, name, documents, refreshes, rng))
                show(f"Refresh the last {name}: {found[-1].median:.0f} ms")
        return found


def fill(client: Elasticsearch, count: int, rng: random.Random) -> Iterator[int]:
    """Indexes `count` verdicts; yields the number indexed so far, repeatedly."""
    begin = datetime.now(UTC) - timedelta(days=DAYS)
    length = timedelta(days=DAYS)
    for day in range(DAYS + 1):
        template.prepare(client, names.day_index((begin + timedelta(days=day)).date()))
    with ThreadPoolExecutor(SENDERS) as pool:
        waiting: deque[Future[int]] = deque()
        for first in range(0, count, BULK):
            offsets = range(first, min(first + BULK, count))
            lines = [verdict(rng, offset, begin + length * (offset / count)) for offset in offsets]
            waiting.append(pool.submit(_send, client, lines))
            if len(waiting) > SENDERS:
                waiting.popleft().result()
                yield first
        for each in waiting:
            each.result()
    client.indices.refresh(index=names.INDEX)


def verdict(rng: random.Random, offset: int, at: datetime) -> bytes:
    """One document as the indexer sends it, after its action: 90 % good, 5 % bad, 5 % suspicious."""
    drawn = rng.random()
    status = names.BAD if drawn < 0.05 else names.SUSPICIOUS if drawn < 0.1 else names.GOOD
    reasons = {names.BAD: '["null_device"]', names.SUSPICIOUS: '["unexpected_device"]'}.get(status, "[]")
    device = "null" if status == names.BAD else f'"{rng.choice(_DEVICES)}"'
    raw = f',"raw":"{"e30=" * 40}","raw_size":120' if status == names.BAD else ""
    event = "".join(rng.choices(string.hexdigits, k=16))
    time_of = log_filters.text(at)
    return (
        f'{{"index":{{"_index":"{names.day_index(at.date())}","_id":"{offset % 2}-{offset // 2}"}}}}\n'
        f'{{"event_id":"{event}","account_id":{rng.randrange(10_000)},"event_type":"other","device":{device}'
        f',"location_country":"{rng.choice(_COUNTRIES)}","event_timestamp":"{time_of}","status":"{status}"'
        f',"reasons":{reasons},"origin":{{"kafka_partition":{offset % 2},"kafka_offset":{offset // 2}}}'
        f',"received_at":"{time_of}","users_version":1,"revision":0{raw}}}'
    ).encode()


def _send(client: Elasticsearch, lines: list[bytes]) -> int:
    operations: Any = lines  # the client accepts lines that are already JSON
    answer = client.options(request_timeout=120).bulk(operations=operations, filter_path="errors,items.*.error")
    if answer["errors"]:
        raise RuntimeError(f"Elasticsearch refused documents: {answer.get('items')}")
    return len(lines)


def _measure(client: Elasticsearch, name: str, documents: int, refreshes: int, rng: random.Random) -> Cost:
    took: list[int] = []
    contract = reading.load(Settings().contract)
    summaries = Summaries(SearchSource(contract, lambda: client, took.append))
    costs = []
    for number in range(refreshes + 1):
        now = datetime.now(UTC)
        filters = Filters(now - RANGES[name], now)
        took.clear()
        summaries.summary(filters, now)
        listing.read(client, contract, filters.of_status(names.BAD, names.SUSPICIOUS), "", ROWS, None, took.append)
        took.append(client.search(index=names.INDEX, **NEWEST)["took"])
        costs.append(sum(took))
        first = documents + (list(RANGES).index(name) * (refreshes + 1) + number) * NEW
        _send(client, [verdict(rng, first + offset, datetime.now(UTC)) for offset in range(NEW)])
        time.sleep(PAUSE_SECONDS)
    after = np.array(costs[1:])
    return Cost(name, documents, costs[0], float(np.median(after)), int(after.max()))
