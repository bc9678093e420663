"""Computes figures from runs: speeds, costs and ratios. Pure."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any

from bench.contestants import ALL, BASELINE, BULK, COPY, HAND_WRITTEN, INDEXED, INDEXER, INTERVAL, REALTIME
from bench.measure import APPLICATION, Run

Speed = Callable[[Run], float | None]

RATIOS = {"baseline": BASELINE.name, "hand_written": HAND_WRITTEN.name, "copy_limit": COPY.name}
"""The contestant that Logsieve, with its faster trigger, is divided by; by the name of the ratio."""
BULK_LIMIT = "bulk_limit"
"""The ratio of the indexer alone to the bulk helper of Elasticsearch's client."""


def whole(run: Run) -> float | None:
    """Logs per second from the start of the process."""
    return run.logs / run.seconds if run.seconds else None


def warm(run: Run) -> float | None:
    """Logs per second after the first 30 %; None if all were done at once."""
    return run.warm_logs / run.warm_seconds if run.warm_logs and run.warm_seconds else None


def busy(run: Run) -> float | None:
    """Logs per second while every hop had work, as in an endless backlog; None if one had none left too early."""
    return run.busy_logs / run.busy_seconds if run.busy_logs and run.busy_seconds else None


def warm_microseconds(run: Run) -> float | None:
    """The application's CPU per log after the first 30 %; None if documents count, as the application is far ahead."""
    is_ahead = run.contestant == INDEXED.name
    return 1e6 * run.warm_cpu[APPLICATION] / run.warm_logs if run.warm_logs and not is_ahead else None


@dataclass
class Figures:
    """Figures of one contestant, each the median of its rounds; None if no part of a run was warm."""

    title: str
    rounds: int
    logs_a_second: float | None
    warm_logs_a_second: float | None
    busy_logs_a_second: float | None
    first_seconds: float | None
    cpu_seconds_a_million: dict[str, float]
    """By group, for the whole run."""
    warm_microseconds_a_log: float | None
    peak_mib: float


@dataclass
class Summary:
    """The figures of a bench. `ratios`: warm, how many times as fast, see RATIOS and BULK_LIMIT."""

    made: dict[str, int]
    contestants: dict[str, Figures]
    best_trigger: str | None
    ratios: dict[str, float | None]
    ratios_whole_run: dict[str, float | None]
    ratios_busy: dict[str, float | None]
    wrong: list[str]
    """Every wrong count; empty if all contestants gave the same verdicts."""
    runs: list[Run] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Returns the summary as plain values."""
        return asdict(self)


def summarise(runs: Sequence[Run], made: dict[str, int]) -> Summary:
    """The figures of all rounds. `made`: the number of logs sent of each status."""
    figures = {each.name: _figures(each.title, of) for each in ALL if (of := _of(runs, each.name))}
    best = _best(runs)
    return Summary(
        made,
        figures,
        best,
        _ratios(runs, best, warm),
        _ratios(runs, best, whole),
        _ratios(runs, best, busy),
        wrong(runs, made),
        list(runs),
    )


def _ratios(runs: Sequence[Run], best: str | None, speed: Speed) -> dict[str, float | None]:
    found = {name: ratio(runs, best, other, speed) for name, other in RATIOS.items()}
    return found | {BULK_LIMIT: ratio(runs, INDEXER.name, BULK.name, speed)}


def ratio(runs: Sequence[Run], name: str | None, other: str, speed: Speed) -> float | None:
    """How many times as fast: the median of each round's ratio, since the runs of a round are close in time."""
    ours, theirs = ({run.round: speed(run) for run in _of(runs, who)} for who in (name, other))
    found = [fast / slow for number, fast in ours.items() if fast and (slow := theirs.get(number))]
    return round(median(found), 2) if found else None


def wrong(runs: Iterable[Run], made: dict[str, int]) -> list[str]:
    """Lists where a run did not leave exactly one row, message and document per log, of the status it was made for."""
    found = []
    rows: dict[str, list[int]] | None = None
    for run in runs:
        for hop, counts in run.found.items():
            if {status: count[0] for status, count in counts.items()} != made:
                found.append(f"{run.contestant}, round {run.round}: {hop} {counts}, but the logs were {made}")
        if "rows" in run.found:
            rows = rows or run.found["rows"]
            if run.found["rows"] != rows:
                found.append(f"{run.contestant}, round {run.round}: rows differ from those of the first run")
    return found


def _best(runs: Sequence[Run]) -> str | None:
    speeds = {name: _median(map(warm, of)) or _median(map(whole, of)) for name, of in _triggers(runs).items()}
    return max(speeds, key=lambda name: speeds[name] or 0.0, default=None)


def _triggers(runs: Sequence[Run]) -> dict[str, list[Run]]:
    return {each.name: of for each in (REALTIME, INTERVAL) if (of := _of(runs, each.name))}


def _of(runs: Iterable[Run], name: str | None) -> list[Run]:
    return [run for run in runs if run.contestant == name]


def _figures(title: str, runs: Sequence[Run]) -> Figures:
    cpu = {group: [1e6 * run.cpu[group] / run.logs for run in runs] for group in runs[0].cpu}
    return Figures(
        title,
        len(runs),
        _median(map(whole, runs), 0),
        _median(map(warm, runs), 0),
        _median(map(busy, runs), 0),
        _median((run.first_seconds for run in runs), 1),
        {group: round(median(spent), 1) for group, spent in cpu.items()},
        _median(map(warm_microseconds, runs), 1),
        round(median(run.peak_bytes for run in runs) / 2**20),
    )


def _median(values: Iterable[float | None], digits: int = 1) -> float | None:
    known = [value for value in values if value is not None]
    return round(median(known), digits) if known else None
