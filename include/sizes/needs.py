"""What the servers need for a rate of logs: one formula over the costs of costs.py. Pure.

Processors, bytes and memory grow with the rate, the days and the accounts in proportion to what was measured; that this
holds on larger servers and on more than one was not measured. Not computed: the network, and memory except Spark's.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from typing import Final

from include.sizes import costs

SPARE: Final = 2
"""Servers are planned for so many times the rate: then the backlog of an hour is gone within an hour."""
FULL: Final = 0.7
"""A disk is planned to be this full: Elasticsearch's merges need the rest (include/retention/disk_bounds.py)."""
REPLICAS: Final = 3
IN_SYNC: Final = 2
"""Kafka's copies of each message, and how many must have it before it counts as written: one broker may be down."""
COPIES: Final = 2
"""Elasticsearch's copies of each document: one primary and one replica."""
LEAST_SERVERS: Final = 3
"""A majority of Kafka's controllers or of Elasticsearch's masters must survive one of them."""
LEAST_EXECUTORS: Final = 2
SHARD_DOCUMENTS: Final = 2**31 - 129
"""Lucene's limit. Elasticsearch counts its nested documents too; ours have none."""
SHARD_BYTES: Final = 50 * 10**9
"""Elasticsearch's documentation recommends 10 to 50 GB."""
NODE_SHARDS: Final = 1000
"""Elasticsearch's default of cluster.max_shards_per_node."""
TOPIC_DAYS: Final = 7
"""Kafka's default of retention.ms: how long the driver or the indexer may be down."""
CONNECTIONS: Final = 100
"""MySQL's connections besides those of `load`, one for each partition: the embedded server's limit serves the rest."""
HEAP_GIB: Final = 1
"""The default heap of the driver and of an executor."""

_DAY: Final = 86_400
_MICROSECONDS: Final = 1_000_000
_TIB: Final = 2**40
_GIB: Final = 2**30


@dataclass(frozen=True)
class Server:
    """One server. The defaults are an example, not a recommendation."""

    processors: int = 16
    memory_gib: int = 64
    disk_tib: float = 8


@dataclass(frozen=True)
class Need:
    """What one part needs: servers, and how much of all of them together is used at SPARE times the rate."""

    part: str
    servers: int
    processors: float
    disk_tib: float
    """Of all servers together, so that it is FULL after the days; 0: none that grows with the logs."""
    settings: Mapping[str, str | int]
    ends: Mapping[str, float]
    """Logs per second at which these servers are used up, by what is used up first."""


@dataclass(frozen=True)
class Bottleneck:
    """What ends first when the rate rises: the part, what of it, and the rate."""

    part: str
    of: str
    logs_a_second: int


@dataclass(frozen=True)
class Sizes:
    """What each part needs; `mysql_days`: how many days one MySQL's disk holds at this rate."""

    rate: int
    days: int
    accounts: int
    server: Server
    needs: tuple[Need, ...]
    mysql_days: float

    @property
    def bottleneck(self) -> Bottleneck:
        """The first of all ends. Below the rate, if one MySQL does not suffice."""
        rate, part, of = min((rate, need.part, of) for need in self.needs for of, rate in need.ends.items())
        return Bottleneck(part, of, int(rate))


def compute(rate: int, days: int = 7, accounts: int = 10_000, server: Server | None = None) -> Sizes:
    """Returns what `rate` logs per second need that are kept for `days` days, with `accounts` in the users dimension.

    Raises ValueError unless all are positive.
    """
    server = server or Server()
    if min(rate, days, accounts, server.processors, server.memory_gib, server.disk_tib) <= 0:
        raise ValueError("rate, days, accounts, and the processors, memory and disk of a server must be positive")
    kafka = _kafka(rate, days, server)
    partitions = int(kafka.settings["partitions"])
    needs = (
        kafka,
        _spark(rate, partitions, accounts, server),
        _mysql(rate, days, partitions, server),
        _elasticsearch(rate, days, partitions, server),
    )
    held = server.disk_tib * _TIB * FULL / (rate * _DAY * costs.ROW_BYTES.figure)
    return Sizes(rate, days, accounts, server, needs, held)


def processors(rate: float, *each: costs.Cost) -> float:
    """Returns the processors that are busy when `rate` logs per second cost `each` (µs a log)."""
    return rate * sum(cost.figure for cost in each) / _MICROSECONDS


def _servers(server: Server, busy: float, disk_tib: float, least: int) -> int:
    return max(least, ceil(SPARE * busy / server.processors), ceil(disk_tib / server.disk_tib))


def _ends(rate: float, servers: int, server: Server, busy: float, disk_tib: float) -> dict[str, float]:
    """The rate at which all processors are busy, and the one at which the disks are FULL."""
    return {
        "processors": rate * servers * server.processors / busy,
        "disk": rate * servers * server.disk_tib / disk_tib,
    }


def _disk(rate: float, days: int, each: float) -> float:
    """TiB that hold `each` bytes of every log for `days` days, FULL."""
    return rate * _DAY * days * each / FULL / _TIB


def _kafka(rate: int, days: int, server: Server) -> Need:
    busy = processors(rate, costs.KAFKA) * REPLICAS  # a follower counts as a leader, which is too much
    each = (costs.LOG_BYTES.figure + costs.VERDICT_BYTES.figure) * REPLICAS
    disk = _disk(rate, min(days, TOPIC_DAYS), each)
    servers = _servers(server, busy, disk, LEAST_SERVERS)
    # As many on each server.
    partitions = ceil(SPARE * rate / costs.PARTITION.figure / servers) * servers
    settings = {"partitions": partitions, "replicas": REPLICAS, "min.insync.replicas": IN_SYNC}
    ends = _ends(rate, servers, server, busy, disk)
    return Need(
        "Kafka", servers, SPARE * busy, disk, settings, ends | {"partitions": partitions * costs.PARTITION.figure}
    )


def _spark(rate: int, partitions: int, accounts: int, server: Server) -> Need:
    busy = processors(rate, costs.CLASSIFY, costs.LOAD)
    heap = max(HEAP_GIB, ceil(accounts * costs.ACCOUNT_BYTES.figure / _GIB))
    executors = max(LEAST_EXECUTORS, ceil(SPARE * busy / server.processors))
    while heap + _loaders_gib(partitions, executors) > server.memory_gib and executors < partitions:
        executors += 1
    settings: dict[str, str | int] = {
        "LOGSIEVE_EXECUTORS": executors,
        "LOGSIEVE_EXECUTOR_CORES": ceil((2 * partitions + 1) / executors),  # task slots: jobs/driver/slots.py
        "LOGSIEVE_EXECUTOR_MEMORY": f"{heap}g",
        "LOGSIEVE_DRIVER_MEMORY": f"{heap}g",
    }
    return Need(
        "Spark", executors, SPARE * busy, 0, settings, {"processors": rate * executors * server.processors / busy}
    )


def _loaders_gib(partitions: int, executors: int) -> float:
    return ceil(partitions / executors) * costs.LOADER_MIB.figure / 1024


def _mysql(rate: int, days: int, partitions: int, server: Server) -> Need:
    busy = processors(rate, costs.MYSQL)
    disk = _disk(rate, days, costs.ROW_BYTES.figure)
    ends = _ends(rate, 1, server, busy, disk) | {"redo log": _MICROSECONDS / costs.REDO.figure}
    return Need("MySQL", 1, SPARE * busy, disk, {"max_connections": CONNECTIONS + partitions}, ends)


def _elasticsearch(rate: int, days: int, partitions: int, server: Server) -> Need:
    busy = processors(rate, costs.ELASTICSEARCH) * COPIES  # a replica counts as a primary
    disk = _disk(rate, days, costs.DOCUMENT_BYTES.figure * COPIES)
    a_day = rate * _DAY
    shards = max(
        ceil(a_day / SHARD_DOCUMENTS),
        ceil(a_day * costs.DOCUMENT_BYTES.figure / SHARD_BYTES),
        ceil(SPARE * rate / costs.SHARD.figure),
    )
    # Besides the days that are kept, the one that is being written.
    least = max(LEAST_SERVERS, ceil(shards * COPIES * (days + 1) / NODE_SHARDS))
    servers = _servers(server, busy, disk, least)
    indexers = min(partitions, max(LEAST_EXECUTORS, ceil(SPARE * processors(rate, costs.INDEXER))))
    settings = {"LOGSIEVE_INDEX_SHARDS": shards, "LOGSIEVE_INDEX_REPLICAS": COPIES - 1, "indexers": indexers}
    ends = _ends(rate, servers, server, busy, disk)
    ends["shards"] = shards * min(costs.SHARD.figure, SHARD_DOCUMENTS / _DAY)
    ends["indexers"] = indexers * _MICROSECONDS / costs.INDEXER.figure
    return Need("Elasticsearch", servers, SPARE * busy, disk, settings, ends)
