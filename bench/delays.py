"""Computes delays from what the watchers recorded: percentiles, and their course over time. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

PERCENTILES = (50.0, 99.0, 99.9)


@dataclass
class Delays:
    """Delays of one hop in milliseconds. `course`: second of the run, and p50, p99, longest of the logs sent in it."""

    p50: float
    p99: float
    p999: float
    longest: float
    course: list[tuple[int, float, float, float]] = field(default_factory=list)


@dataclass
class Held:
    """The measurement of one constant rate. `boundaries`: ends of classify's batches, in seconds from the first log."""

    trigger: str
    rate: float
    logs: int
    reached: float
    """Logs per second that were actually sent."""
    to_status: Delays
    to_mysql: Delays
    boundaries: list[float]
    cpu: dict[str, float]
    """Percent of one core, by group: application (with all its children), kafka, mysql, elasticsearch."""
    sizes: list[tuple[int, int, int]]
    """Over time: second, MiB of the application's memory, MiB of its checkpoints and all log files."""


def of_verdicts(verdicts: Mapping[int, np.ndarray]) -> np.ndarray:
    """(sent, delay) of each log, in microseconds; `verdicts`: see `watchers.watch_verdicts`."""
    both = np.concatenate([verdicts[number] for number in sorted(verdicts)])
    return np.column_stack([both[:, 0], both[:, 1] - both[:, 0]])


def of_rows(verdicts: Mapping[int, np.ndarray], rows: Mapping[int, np.ndarray], begin: Mapping[int, int]) -> np.ndarray:
    """(sent, delay) of each log, in microseconds; `rows`: see `watchers.watch_rows`, `begin`: the first log's offset.

    A log is visible from the first progress that reaches it: rows and progress are committed together. Raises
    ValueError if a log never became visible.
    """
    parts = []
    for number in sorted(verdicts):
        sent = verdicts[number][:, 0]
        offsets = begin[number] + np.arange(len(sent))
        steps = rows.get(number, np.empty((0, 2), np.int64))
        at = np.searchsorted(steps[:, 0], offsets)
        if len(at) and at[-1] == len(steps):
            raise ValueError(f"partition {number}: not every log became visible in MySQL")
        parts.append(np.column_stack([sent, steps[at, 1] - sent]))
    return np.concatenate(parts)


def summarise(sent_and_delay: np.ndarray) -> Delays:
    """Summarises delays; each percentile is the actual delay of a log."""
    sent, delay = sent_and_delay[:, 0], sent_and_delay[:, 1] / 1000
    second = (sent - sent.min()) // 1_000_000
    course = []
    for number in np.unique(second):
        some = delay[second == number]
        p50, p99 = np.percentile(some, [50, 99], method="higher")
        course.append((int(number), round(float(p50), 1), round(float(p99), 1), round(float(some.max()), 1)))
    found = np.percentile(delay, PERCENTILES, method="higher")
    p50, p99, p999, longest = (round(float(value), 1) for value in (*found, delay.max()))
    return Delays(p50, p99, p999, longest, course)
