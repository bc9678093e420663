"""The needs of servers as text: for the terminal, and for docs/sizes.md. Pure."""

from collections.abc import Sequence
from typing import Final

from include.sizes.costs import COSTS
from include.sizes.needs import Need, Sizes

STEPS: Final = (10_000, 100_000, 1_000_000)
"""The rates of the table in docs/sizes.md."""
ACCOUNTS: Final = (10_000, 1_000_000, 10_000_000, 100_000_000)
"""The accounts of the table in docs/sizes.md."""
HEAPS_HEADER: Final = ("accounts", "heap")
COSTS_HEADER: Final = ("what", "cost", "measured by", "on")
HEADER: Final = ("part", "servers", "cores", "disk, TiB", "settings")

_REMEDIES: Final = {
    ("Kafka", "disk"): "Add brokers, or keep the topics for fewer days.",
    ("Kafka", "processors"): "Add brokers.",
    ("Kafka", "partitions"): "Add partitions: docs/running.md#more-partitions.",
    ("Spark", "processors"): "Add executors.",
    ("MySQL", "disk"): "Give MySQL a larger disk, or keep fewer days. Then: docs/sizes.md#mysql.",
    ("MySQL", "processors"): "Give MySQL more cores. Then: docs/sizes.md#mysql.",
    ("MySQL", "redo log"): "One MySQL ends here: docs/sizes.md#mysql.",
    ("Elasticsearch", "disk"): "Add nodes, or keep logs for fewer days.",
    ("Elasticsearch", "processors"): "Add nodes.",
    ("Elasticsearch", "shards"): "Raise LOGSIEVE_INDEX_SHARDS.",
    ("Elasticsearch", "indexers"): "Start more indexers: docs/own-servers.md#elasticsearch.",
}


def title(found: Sizes) -> str:
    """The question: rate, days, accounts, and one server."""
    server = found.server
    cores = f"{server.processors} core{'s' * (server.processors > 1)}"
    return (
        f"{found.rate:,} logs/s, kept for {found.days} days, {found.accounts:,} accounts\n"
        f"on servers of {cores}, {server.memory_gib} GiB, {server.disk_tib:g} TiB"
    )


def cells(need: Need) -> list[str]:
    """The cells of HEADER."""
    disk = _amount(need.disk_tib) if need.disk_tib else "-"
    return [need.part, f"{need.servers:,}", _amount(need.processors), disk, "\n".join(settings(need))]


def settings(need: Need) -> list[str]:
    """The settings of a part, as they are written."""
    return [f"{name}={value}" for name, value in need.settings.items()]


def steps(found: Sequence[Sizes]) -> tuple[list[str], list[list[str]]]:
    """Header and rows of a table with a column for each rate."""
    rows = []
    for parts in zip(*(each.needs for each in found), strict=True):
        name = parts[0].part
        rows.append([f"{name}: servers", *(f"{each.servers:,}" for each in parts)])
        rows.append(["cores", *(_amount(each.processors) for each in parts)])
        if parts[0].disk_tib:
            rows.append(["disk, TiB", *(_amount(each.disk_tib) for each in parts)])
        rows += [[f"`{setting}`", *(f"{each.settings[setting]}" for each in parts)] for setting in parts[0].settings]
    rows.append(["days on one MySQL's disk", *(f"{each.mysql_days:,.1f}" for each in found)])
    rows.append(["ends first", *(first(each) for each in found)])
    return ["", *(f"{each.rate:,} logs/s" for each in found)], rows


def heaps(found: Sequence[Sizes]) -> list[list[str]]:
    """Accounts, and the heap of the driver and of each executor."""
    heap = "LOGSIEVE_EXECUTOR_MEMORY"
    return [
        [f"{each.accounts:,}", str(need.settings[heap])]
        for each in found
        for need in each.needs
        if heap in need.settings
    ]


def costs() -> list[list[str]]:
    """The measured costs: what, how much, by which command, and when."""
    return [[cost.what, f"{cost.figure:,g} {cost.unit}", cost.measured_by, cost.on] for cost in COSTS]


def first(found: Sizes) -> str:
    """The first bottleneck, in one sentence."""
    found_at = found.bottleneck
    return f"{found_at.part}: {found_at.of}, at {_rounded(found_at.logs_a_second)} logs/s"


def remarks(found: Sizes) -> list[str]:
    """What ends first and what to do, and what the figures are worth. At most 80 columns."""
    found_at = found.bottleneck
    lines = [f"Ends first: {first(found)}."]
    if found_at.logs_a_second < found.rate:
        lines = [f"Not enough: {first(found)}."]
    return [
        *lines,
        f"→ {_REMEDIES[found_at.part, found_at.of]}",
        f"One MySQL's disk holds {found.mysql_days:,.1f} days at this rate.",
        "Cores and disks are planned for twice the rate and 70 %, and extrapolated from",
        "two cores: docs/sizes.md has the measurements, and what was not measured.",
    ]


def _amount(number: float) -> str:
    return f"{number:,.0f}" if number >= 100 else f"{number:.1f}"


def _rounded(rate: int) -> str:
    """Two significant digits: the costs are not known better."""
    return f"{float(f'{rate:.2g}'):,.0f}"
