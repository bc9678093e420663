"""Elasticsearch is down, or its disk is full: loading into MySQL continues, and the index catches up by itself."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.integration.stack import RECOVERY_SECONDS, Origin, Stack, prove, until, wait_until_it_loads
from tests.integration.test_odd_logs import log
from tests.integration.test_page_api import counts_with_elasticsearch_again, counts_with_mysql

WATERMARKS = [f"cluster.routing.allocation.disk.watermark.{name}" for name in ("low", "high", "flood_stage")]
BLOCK = "index.blocks.read_only_allow_delete"


def send_and_load(stack: Stack) -> list[Origin]:
    """Sends logs and waits until MySQL has them."""
    since = stack.now()
    origins = stack.send([log(event_id="elasticsearch-away")] * 200)
    until(lambda: set(origins) <= stack.loaded(since), 30, "loading into MySQL continues")
    return origins


def until_indexed(stack: Stack, origins: list[Origin]) -> None:
    until(lambda: len(stack.documents(origins)) == len(origins), RECOVERY_SECONDS, "the index has caught up")


def test_the_index_catches_up_when_elasticsearch_is_up_again_and_until_then_the_watch_is_red(stack: Stack) -> None:
    wait_until_it_loads(stack)
    since = stack.now()
    with stack.away("elasticsearch"):
        origins = send_and_load(stack)
        counts_with_mysql(stack)
        done = stack.run("airflow", "tasks", "test", "watch_logs", "lag", "-t", json.dumps({"lag_limit": 100}))
        assert re.search(r"index is [0-9,]+ behind, more than 100", done.stdout + done.stderr), done.stderr[-3000:]
    until_indexed(stack, origins)
    counts_with_elasticsearch_again(stack)
    prove(stack, since)


def test_the_index_catches_up_when_elasticsearch_has_space_again(stack: Stack) -> None:
    since = stack.now()
    with flood_stage(stack):
        until(lambda: is_blocked(stack), 60, "Elasticsearch has put its flood-stage block")
        origins = send_and_load(stack)
        assert not stack.documents(origins)
    until_indexed(stack, origins)
    prove(stack, since)


@contextmanager
def flood_stage(stack: Stack) -> Iterator[None]:
    """Elasticsearch treats the disk as full: it requires more free space than any disk has. It checks every 10 s."""

    def ask_for(free: str | None, interval: str | None) -> None:
        changes: dict[str, Any] = dict.fromkeys(WATERMARKS, free) | {"cluster.info.update.interval": interval}
        stack.search("_cluster/settings", {"transient": changes}, "PUT")

    ask_for("1000000gb", "10s")
    try:
        yield
    finally:
        ask_for(None, "10s")
        try:
            until(lambda: not is_blocked(stack), 60, "Elasticsearch has removed its block")
        finally:
            ask_for(None, None)


def is_blocked(stack: Stack) -> bool:
    return bool(stack.search(f"server-logs/_settings/{BLOCK}"))
