"""One run of one contestant: its time from process start until its last log is everywhere, its CPU and memory."""

import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field

import psutil

from bench import limits, own_stack, sinks
from bench.contestants import Contestant
from include import names
from include.driver import lease
from include.stack.environment import Environment
from include.stack.errors import StackError
from include.stack.run import supervisor
from include.stack.servers.programs import cluster_of

WARM_FROM = 0.3
"""Share of the logs after which the measurement counts as warm."""
BUSY_FROM = 0.1
"""Share of the logs after which an endless backlog is measured, until the first hop has no work left."""
LOOK_SECONDS = 0.2
WEIGH_SECONDS = 1.0
STALLED_SECONDS = 180
END_SECONDS = 30
APPLICATION = "application"


@dataclass
class Run:
    """The measurements. Seconds are from the start of the process; `cpu` and `warm_cpu` are CPU seconds by group:
    application (with all its children), kafka, mysql, elasticsearch, indexer."""

    contestant: str
    round: int
    logs: int
    seconds: float = 0.0
    first_seconds: float | None = None
    """Until the first log was everywhere."""
    warm_logs: int = 0
    """Logs that were not done when the warm part began; 0 if all were done at once."""
    warm_seconds: float = 0.0
    busy_logs: int = 0
    """Logs that became done while every hop had work; 0 if one had none left too early. See BUSY_FROM."""
    busy_seconds: float = 0.0
    cpu: dict[str, float] = field(default_factory=dict)
    warm_cpu: dict[str, float] = field(default_factory=dict)
    peak_bytes: int = 0
    """Peak memory of the application with its children; shared pages are divided among the processes (PSS)."""
    found: dict[str, dict[str, list[int]]] = field(default_factory=dict)
    """Counts after the run: rows (with their checksum), messages and documents, by status."""


class Meter:
    """CPU seconds and memory of the application and of each server."""

    def __init__(self, env: Environment, pid: int, servers: tuple[str, ...]) -> None:
        """`pid`: the application's. A cluster's managers, which start the executors, count as its own."""
        cluster = [server.name for server in cluster_of(env)]
        rpc = supervisor.proxy(env)
        found = {name: psutil.Process(rpc.getProcessInfo(name)["pid"]) for name in (*servers, *cluster)}
        self._managers = [found.pop(name) for name in cluster]
        self._roots = {APPLICATION: [psutil.Process(pid), *self._managers]} | {name: [of] for name, of in found.items()}
        self._before: dict[str, float] = {name: _cpu(found[name]) for name in own_stack.SERVERS if name in found}
        self._before[APPLICATION] = sum(map(_cpu, self._managers))

    def cpu(self) -> dict[str, float]:
        """CPU seconds since the beginning, by group."""
        spent = {name: sum(map(_cpu, roots)) for name, roots in self._roots.items()}
        return {name: round(seconds - self._before.get(name, 0.0), 2) for name, seconds in spent.items()}

    def memory(self) -> int:
        """Current memory of the application in bytes, without a cluster's managers."""
        total = 0
        for process in (each for root in self._roots[APPLICATION] for each in _tree(root)):
            if process not in self._managers:
                with suppress(psutil.Error):
                    total += process.memory_full_info().pss
        return total


def _tree(root: psutil.Process) -> list[psutil.Process]:
    try:
        return [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _cpu(root: psutil.Process) -> float:
    """CPU seconds of the running processes of a tree and of their exited children."""
    total = 0.0
    for process in _tree(root):
        with suppress(psutil.Error):
            total += sum(process.cpu_times()[:4])
    return total


@contextmanager
def started(env: Environment, contestant: Contestant) -> Iterator[subprocess.Popen[bytes]]:
    """Starts the contestant's process in its own session; at the end stops it and all processes below it."""
    log = supervisor.log_file(env, f"bench-{contestant.name}")
    command = contestant.command(env)
    with log.open("ab") as out:
        process = subprocess.Popen(
            command, env=contestant.variables(env), stdin=subprocess.DEVNULL, stdout=out, stderr=out,
            start_new_session=True,
        )  # fmt: skip
    try:
        yield process
    finally:
        if contestant.engine == "yarn":  # its driver is no child of this process, which ends with it
            _ask_to_stop(env)
            with suppress(subprocess.TimeoutExpired):
                process.wait(END_SECONDS)
        living = _tree(psutil.Process(process.pid)) if process.poll() is None else []
        for each in living:
            with suppress(psutil.NoSuchProcess):
                each.send_signal(signal.SIGTERM)
        _, left = psutil.wait_procs(living, timeout=END_SECONDS)
        for each in left:
            with suppress(psutil.NoSuchProcess):
                each.kill()
        process.wait()
        psutil.wait_procs(left, timeout=END_SECONDS)


def _ask_to_stop(env: Environment) -> None:
    with closing(own_stack.connection(env)) as connection, closing(connection.cursor()) as cursor:
        lease.ask_to_stop(cursor)


def run(env: Environment, contestant: Contestant, logs: int, number: int, show: Callable[[str], None]) -> Run:
    """Empties the sinks, starts the contestant, measures until all logs are done, stops it, and counts its output.

    `show` is called with the progress. Raises StackError if the contestant exits early, or makes no progress for
    STALLED_SECONDS.
    """
    sinks.empty(env, names.STATUS_TOPIC)
    if contestant.is_fed:
        show(f"{contestant.title}: fill the status topic")
        limits.feed(env.reaching(), sinks.ends(env, names.LOGS_TOPIC))
    result = Run(contestant.name, number, logs)
    servers: tuple[str, ...] = own_stack.SERVERS
    with sinks.watching(env, contestant.hops) as progress:
        if contestant.needs_indexer:
            supervisor.run(env, "indexer")
            servers = (*servers, "indexer")
        try:
            begin = time.monotonic()
            with started(env, contestant) as process:
                _measure(env, contestant, result, Meter(env, process.pid, servers), progress, begin, process, show)
        finally:
            if contestant.needs_indexer:
                supervisor.halt(env, "indexer")
    result.found = _count(env, contestant)
    return result


def _measure(
    env: Environment,
    contestant: Contestant,
    result: Run,
    meter: Meter,
    progress: sinks.Progress,
    begin: float,
    process: subprocess.Popen[bytes],
    show: Callable[[str], None],
) -> None:
    done, moved, weighed, warm_from = 0, begin, 0.0, (begin, 0)
    busy_from: tuple[float, int] | None = None
    warm_cpu: dict[str, float] = {}
    while done < result.logs:
        time.sleep(LOOK_SECONDS)
        reached = progress.read().values()
        before, done, now = done, min(reached), time.monotonic()
        if done > before:
            moved = now
            result.first_seconds = result.first_seconds or round(now - begin, 2)
            show(f"{contestant.title}: {done:,} of {result.logs:,}")
        elif process.poll() is not None or now - moved > STALLED_SECONDS:
            ended = f"exited with {process.returncode}" if process.poll() is not None else "makes no progress"
            last = supervisor.log_file(env, f"bench-{contestant.name}").read_text(errors="replace").splitlines()[-8:]
            raise StackError(
                f"{contestant.title} {ended} at {done:,} of {result.logs:,} logs:\n" + "\n".join(last),
                f"See its log, {supervisor.log_file(env, f'bench-{contestant.name}')}.",
            )
        if done >= BUSY_FROM * result.logs and max(reached) < result.logs:
            busy_from = busy_from or (now, done)
            result.busy_logs, result.busy_seconds = done - busy_from[1], round(now - busy_from[0], 2)
        if done >= WARM_FROM * result.logs and not warm_cpu:
            warm_from, warm_cpu = (now, done), meter.cpu()
        if now - weighed >= WEIGH_SECONDS:
            weighed, result.peak_bytes = now, max(result.peak_bytes, meter.memory())
    result.seconds, result.cpu = round(now - begin, 2), meter.cpu()
    result.peak_bytes = max(result.peak_bytes, meter.memory())
    result.warm_logs, result.warm_seconds = result.logs - warm_from[1], round(now - warm_from[0], 2)
    result.warm_cpu = {name: round(spent - warm_cpu[name], 2) for name, spent in result.cpu.items()}


def _count(env: Environment, contestant: Contestant) -> dict[str, dict[str, list[int]]]:
    found = {}
    if "rows" in contestant.leaves:
        found["rows"] = {status: list(counted) for status, counted in sinks.rows(env).items()}
    if "messages" in contestant.leaves:
        found["messages"] = {status: [count] for status, count in sinks.messages(env).items()}
    if "documents" in contestant.leaves:
        found["documents"] = {status: [count] for status, count in sinks.documents(env).items()}
    return found
