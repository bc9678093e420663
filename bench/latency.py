"""`./logsieve bench latency`: latency from a log to its status and to MySQL, at constant rates."""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor, wait
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.synchronize import Barrier, Event
from pathlib import Path
from threading import BrokenBarrierError
from threading import Event as Ended
from typing import Any

from bench import delays, measure, own_stack, sinks, watchers
from bench.contestants import INTERVAL, REALTIME, Contestant
from bench.delays import Held
from bench.measure import LOOK_SECONDS, STALLED_SECONDS, Meter
from include import names
from include.settings import Settings
from include.stack.environment import Environment
from include.stack.errors import StackError
from include.stack.steps import Steps

TRIGGERS = (REALTIME, INTERVAL)
WARM_UP_RATE = 5_000
START_SECONDS = 60
WEIGH_SECONDS = 15


@dataclass(frozen=True)
class Plan:
    """The rates and how long each is held; before them, the driver is warmed up at WARM_UP_RATE for `warm_up` s."""

    rates: Sequence[float]
    seconds: float
    warm_up: float
    seed: int
    partitions: int
    accounts: int
    triggers: Sequence[Contestant] = TRIGGERS
    users_every: float = 0
    """Seconds between changes of the users dimension; 0: it does not change."""


def run(plan: Plan, steps: Steps, *, keep: bool) -> list[Held]:
    """Measures each rate with each trigger, on the bench's own stack. Raises StackError."""
    found = []
    with own_stack.running(plan.partitions, plan.accounts, plan.seed, steps, keep=keep) as env:
        for trigger in plan.triggers:
            sinks.empty(env, names.LOGS_TOPIC, names.STATUS_TOPIC)
            with measure.started(env, trigger) as process:
                meter = Meter(env, process.pid, own_stack.SERVERS)
                with steps.step(f"{trigger.title}: start and warm up"):
                    _hold(env, trigger, meter, WARM_UP_RATE, plan.warm_up, plan.seed)
                for number, rate in enumerate(plan.rates):
                    with steps.step(f"{trigger.title}: {rate:,.0f} logs/s") as show:
                        with _changing_users(env, plan.users_every):
                            held = _hold(env, trigger, meter, rate, plan.seconds, plan.seed + 1 + number)
                        show(
                            f"{trigger.title}: {rate:,.0f} logs/s, p99 {held.to_status.p99} ms to the status,"
                            f" {held.to_mysql.p99} ms to MySQL"
                        )
                    found.append(held)
    return found


@contextmanager
def _changing_users(env: Environment, every: float) -> Iterator[None]:
    """Raises the version of the users, so that the driver reads all of them again, after each `every` seconds."""
    if not every:
        yield
        return
    ended = Ended()

    def change() -> None:
        with closing(own_stack.connection(env, names.USERS_DATABASE)) as opened, closing(opened.cursor()) as cursor:
            while not ended.wait(every):
                cursor.execute(f"UPDATE {names.VERSION_TABLE} SET version = version + 1")

    with ThreadPoolExecutor(1, "users") as pool:
        changing = pool.submit(change)
        try:
            yield
        finally:
            ended.set()
    changing.result()


def _hold(env: Environment, trigger: Contestant, meter: Meter, rate: float, seconds: float, seed: int) -> Held:
    settings = env.reaching()
    logs, verdicts = sinks.ends(env, names.LOGS_TOPIC), sinks.ends(env, names.STATUS_TOPIC)
    with _processes() as (start, ready, stop):
        seen = start(_watch_verdicts, settings, verdicts)
        rows = start(_watch_rows, settings)
        sending = start(_send, settings, rate, seconds, seed)
        with suppress(BrokenBarrierError):  # one of them failed: its result, below, raises the error
            ready.wait()
        before, begin = meter.cpu(), time.monotonic()
        sizes = _weigh_until(sending, meter, settings)
        spent = {group: (now - before[group]) / (time.monotonic() - begin) for group, now in meter.cpu().items()}
        sent, took = sending.result()
        _until_done(env, trigger, sum(logs.values()) + sent)
        stop.set()
        by_partition, steps = seen.result(), rows.result()
    if sum(map(len, by_partition.values())) != sent:
        raise StackError(
            f"{sent} logs have {sum(map(len, by_partition.values()))} verdicts.", "Please report this bug."
        )
    first = min(float(each[0, 0]) for each in by_partition.values() if len(each)) / 1e6
    return Held(
        trigger.name,
        rate,
        sent,
        round(sent / took, 1),
        delays.summarise(delays.of_verdicts(by_partition)),
        delays.summarise(delays.of_rows(by_partition, steps, logs)),
        _boundaries(settings, first, first + took),
        {group: round(100 * share, 1) for group, share in spent.items()},
        sizes,
    )


def _weigh_until(sending: Future[Any], meter: Meter, settings: Settings) -> list[tuple[int, int, int]]:
    begin, sizes = time.monotonic(), []
    while not sending.done():
        files = sum(_size(folder) for folder in (settings.checkpoints, settings.state / "logs"))
        sizes.append((round(time.monotonic() - begin), meter.memory() >> 20, files >> 20))
        wait([sending], WEIGH_SECONDS)
    return sizes


def _size(folder: Path) -> int:
    total = 0
    for file in folder.rglob("*"):
        with suppress(FileNotFoundError):  # Spark removes old files meanwhile
            total += file.stat().st_size
    return total


def _until_done(env: Environment, trigger: Contestant, total: int) -> None:
    with sinks.watching(env, trigger.hops) as progress:
        done, moved = 0, time.monotonic()
        while done < total:
            time.sleep(LOOK_SECONDS)
            before, done = done, min(progress.read().values())
            if done > before:
                moved = time.monotonic()
            elif time.monotonic() - moved > STALLED_SECONDS:
                raise StackError(f"{trigger.title} makes no progress at {done:,} of {total:,} logs.", "See its log.")


def _boundaries(settings: Settings, begin: float, end: float) -> list[float]:
    """When batches of classify were committed, in seconds after `begin`, read from its checkpoints."""
    commits = settings.checkpoints.glob("*/classify/commits/*")
    times = sorted(file.stat().st_mtime for file in commits if file.name.isdigit())
    return [round(at - begin, 2) for at in times if begin <= at <= end]


@contextmanager
def _processes() -> Iterator[tuple[Callable[..., Future[Any]], Barrier, Event]]:
    """Three processes, which pass the barrier together with the caller. At the end the barrier releases all waiters."""
    spawn = get_context("spawn")
    stop, ready = spawn.Event(), spawn.Barrier(4, timeout=START_SECONDS)
    with ProcessPoolExecutor(3, spawn, _keep, (ready, stop)) as pool:
        try:
            yield pool.submit, ready, stop
        finally:
            stop.set()
            ready.abort()


_kept: dict[str, Any] = {}
"""The barrier and event in each of the three processes; these can be passed only when a process starts."""


def _keep(ready: Barrier, stop: Event) -> None:
    _kept.update(ready=ready.wait, stop=stop.is_set)


def _send(settings: Settings, rate: float, seconds: float, seed: int) -> tuple[int, float]:
    return watchers.send(settings, rate, seconds, seed, _kept["ready"], _kept["stop"])


def _watch_verdicts(settings: Settings, begin: dict[int, int]) -> Any:
    return watchers.watch_verdicts(settings, begin, _kept["ready"], _kept["stop"])


def _watch_rows(settings: Settings) -> Any:
    return watchers.watch_rows(settings, _kept["ready"], _kept["stop"])
