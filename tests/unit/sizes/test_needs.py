"""Needs are worked out by hand, from round costs."""

from dataclasses import replace

import pytest

from include.settings import Settings
from include.sizes import costs
from include.sizes.needs import Bottleneck, Need, Server, compute
from jobs.driver import slots

ROUND = {
    "CLASSIFY": 5, "LOAD": 5, "KAFKA": 2, "MYSQL": 10, "REDO": 2, "ELASTICSEARCH": 50, "INDEXER": 5,
    "LOG_BYTES": 300, "VERDICT_BYTES": 100, "ROW_BYTES": 200, "DOCUMENT_BYTES": 200,
    "PARTITION": 50_000, "SHARD": 30_000, "LOADER_MIB": 150, "ACCOUNT_BYTES": 1024,
}  # fmt: skip
TIB = 2**40


@pytest.fixture(autouse=True)
def _round_costs(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(ROUND) == len(costs.COSTS)
    for name, figure in ROUND.items():
        monkeypatch.setattr(costs, name, replace(getattr(costs, name), figure=figure))


def need(part: str, *args: int, **given: object) -> Need:
    return next(each for each in compute(*args, **given).needs if each.part == part)  # type: ignore[arg-type]


def test_processors_are_planned_for_twice_the_rate():
    rate = 100_000
    assert need("Kafka", rate).processors == pytest.approx(2 * 0.2 * 3), "2 µs a log, three replicas"
    assert need("Spark", rate).processors == pytest.approx(2 * 1.0), "5 + 5 µs"
    assert need("MySQL", rate).processors == pytest.approx(2 * 1.0)
    assert need("Elasticsearch", rate).processors == pytest.approx(2 * 5.0 * 2), "50 µs, a primary and a replica"


def test_a_disk_is_not_planned_to_be_full():
    a_day = 100_000 * 86_400 / 0.7 / TIB
    assert need("MySQL", 100_000, days=10).disk_tib == pytest.approx(10 * 200 * a_day)
    assert need("Elasticsearch", 100_000, days=10).disk_tib == pytest.approx(10 * 200 * 2 * a_day)
    assert need("Kafka", 100_000, days=3).disk_tib == pytest.approx(3 * 400 * 3 * a_day)
    assert need("Kafka", 100_000, days=30).disk_tib == need("Kafka", 100_000, days=7).disk_tib, "topics: a week"


@pytest.mark.parametrize(
    ("rate", "disk", "servers"),
    [(10_000, 1000, 3), (100_000, 8, 12), (10_000_000, 100_000, 8)],
)
def test_brokers_follow_disk_or_processors_and_are_at_least_three(rate: int, disk: float, servers: int):
    # 100,000 logs/s for a week: 400 bytes * 3 * 60.48e9 logs / 0.7 = 94.3 TiB; 10,000,000: 2 * 20 * 3 = 120 cores.
    assert need("Kafka", rate, server=Server(16, 64, disk)).servers == servers


def test_every_broker_has_as_many_partitions_and_they_carry_twice_the_rate():
    kafka = need("Kafka", 1_000_000, days=1, server=Server(16, 64, 1000))
    assert kafka.servers == 3
    assert kafka.settings["partitions"] == 42, "40 of 50,000 logs/s carry 2,000,000; the next multiple of three"
    assert (kafka.settings["replicas"], kafka.settings["min.insync.replicas"]) == (3, 2)


def test_executors_have_the_slots_that_the_driver_asks_for():
    sizes = compute(1_000_000, server=Server(8, 64, 8))
    kafka, spark, *_ = sizes.needs
    assert spark.servers == 3, "20 cores"
    settings = Settings(executors=spark.servers)
    wanted = slots.conf(settings, "yarn", int(kafka.settings["partitions"]), "realtime")
    assert str(spark.settings["LOGSIEVE_EXECUTOR_CORES"]) == wanted["spark.executor.cores"]


def test_heaps_grow_with_the_accounts():
    assert need("Spark", 10_000).settings["LOGSIEVE_EXECUTOR_MEMORY"] == "1g"
    spark = need("Spark", 10_000, accounts=5_000_000)
    assert spark.settings["LOGSIEVE_EXECUTOR_MEMORY"] == spark.settings["LOGSIEVE_DRIVER_MEMORY"] == "5g"


def test_the_python_of_the_partitions_must_fit_beside_the_heap():
    # 42 partitions on 3 brokers: two executors have 21 each, 3.1 GiB of Python; with 2 GiB a server, 6 each at most.
    small = need("Spark", 1_000_000, days=1, server=Server(16, 2, 1000))
    assert small.servers == 7


@pytest.mark.parametrize(
    ("rate", "days", "shards", "why"),
    [
        (1_000, 7, 1, "17 GB a day"),
        (10_000, 7, 4, "173 GB a day, 50 GB a shard"),
        (1_000_000, 1, 346, "17.3 TB a day"),
    ],
)
def test_an_index_has_shards_for_its_day(rate: int, days: int, shards: int, why: str):
    assert need("Elasticsearch", rate, days).settings["LOGSIEVE_INDEX_SHARDS"] == shards, why


def test_nodes_hold_at_most_a_thousand_shards():
    # 346 shards, two copies, of 365 days and the one being written.
    assert need("Elasticsearch", 1_000_000, 365, server=Server(1000, 64, 100_000)).servers == 254


def test_there_are_indexers_for_twice_the_rate_but_no_more_than_partitions():
    assert need("Elasticsearch", 1_000_000, 1).settings["indexers"] == 10
    assert need("Elasticsearch", 1_000).settings["indexers"] == 2


def test_mysql_has_one_server_and_ends():
    mysql = need("MySQL", 100_000, days=7)
    assert mysql.servers == 1
    assert mysql.ends["redo log"] == 500_000, "2 µs a log, one thread"
    assert mysql.ends["processors"] == pytest.approx(1_600_000)
    assert mysql.ends["disk"] == pytest.approx(8 * TIB * 0.7 / (7 * 86_400 * 200))
    assert mysql.settings["max_connections"] > need("Kafka", 100_000, days=7).settings["partitions"]


def test_the_bottleneck_is_what_ends_first():
    assert compute(100_000, days=7).bottleneck == Bottleneck("MySQL", "disk", 50_903)
    assert compute(100_000, days=1, server=Server(16, 64, 1000)).bottleneck.of == "partitions"
    assert compute(100_000, days=1, server=Server(1, 64, 1000)).bottleneck == Bottleneck("MySQL", "processors", 100_000)


def test_the_days_that_one_mysql_holds():
    assert compute(100_000).mysql_days == pytest.approx(8 * TIB * 0.7 / (86_400 * 200 * 100_000))


@pytest.mark.parametrize("wrong", [{"rate": 0}, {"days": 0}, {"accounts": -1}, {"server": Server(0, 1, 1)}])
def test_nothing_is_computed_for_nothing(wrong: dict[str, object]):
    with pytest.raises(ValueError, match="must be positive"):
        compute(**{"rate": 1, **wrong})  # type: ignore[arg-type]
