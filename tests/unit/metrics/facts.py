"""Facts of a stack in which all is well, for tests to change."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from include.driver.lease import Holder, Row
from include.metrics.facts import Facts, OfElasticsearch, OfFiles, OfKafka, OfMySql
from include.names import LOGS_TOPIC, STATUS_TOPIC
from include.topics.hops import Topics
from include.watch.totals import Delays, Totals

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)

KAFKA = OfKafka(
    Topics({0: 100, 1: 50}, {0: 98, 1: 50}, {0: 97, 1: 50}, {0: 0, 1: 0}),
    {0: 90, 1: 50},
    {LOGS_TOPIC: NOW, STATUS_TOPIC: NOW - timedelta(seconds=1)},
)
TOTALS = Totals(
    Counter(good=130, bad=10),
    Counter(missing_device=7, null_device=4),
    foreign=2,
    row_delays=Delays([0, 0, 3, *[0] * 14, 1], 3_700_010),
)
MYSQL = OfMySql(
    TOTALS,
    {0: (96, 95), 1: (50, 50)},
    {"good": NOW - timedelta(seconds=2), "bad": NOW - timedelta(seconds=5), "suspicious": None},
    Row(NOW, NOW, False, 7, "a run", Holder("host", 1), 6, 3),
    {"version": 3, "pending_changes": 0},
    (NOW - timedelta(hours=1), 120),
    NOW - timedelta(days=1),
)
FACTS = Facts(
    KAFKA,
    MYSQL,
    OfElasticsearch(139, NOW - timedelta(seconds=3)),
    OfFiles({"state": 5 * 2**30}),
    {"kafka": 0.01, "mysql": 0.02, "elasticsearch": 0.03},
)


def facts(**changes: Any) -> Facts:
    return replace(FACTS, **changes)
