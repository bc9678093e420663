"""Finds and kills the processes of a stack, for chaos runs. Each victim is looked up immediately before its kill."""

import random
import signal
import threading
from collections.abc import Callable
from contextlib import suppress

import psutil

from include.names import DRIVER
from include.stack.environment import Environment
from include.stack.run import ownership, supervisor

FREEZE_SECONDS = 20.0

IN_THE_INDEX = {"elasticsearch", "indexer"}
"""Kinds after which a new verdict is awaited in the index; after all others, in MySQL."""


def driver(env: Environment) -> psutil.Process | None:
    """The JVM of the streaming application, the youngest if there are two; None if there is none."""
    return max(_drivers(env), key=lambda process: process.create_time(), default=None)


def _drivers(env: Environment) -> list[psutil.Process]:
    return [process for process in ownership.own_processes(env) if _is_driver(process)]


def _is_driver(process: psutil.Process) -> bool:
    words = _words(process)
    return "org.apache.spark.deploy.SparkSubmit" in words and f"{DRIVER}.py" in words


def _words(process: psutil.Process) -> str:
    """The command line; empty for a zombie."""
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def _python(env: Environment) -> psutil.Process | None:
    jvm = driver(env)
    return next((child for child in jvm.children() if f"{DRIVER}.py" in _words(child)), None) if jvm else None


def _task(env: Environment) -> psutil.Process | None:
    jvm = driver(env)
    return jvm.parent() if jvm else None


def _worker(env: Environment) -> psutil.Process | None:
    task = _task(env)
    return task.parent() if task else None


def _server(name: str) -> Callable[[Environment], psutil.Process | None]:
    def find(env: Environment) -> psutil.Process | None:
        """The largest process of the program: Elasticsearch starts its server from a small launcher."""
        pid = supervisor.proxy(env).getProcessInfo(name)["pid"]
        if not pid:
            return None
        top = psutil.Process(pid)
        below = top.children(recursive=True) if name == "elasticsearch" else []
        return max([top, *below], key=lambda process: process.memory_info().rss)

    return find


FREEZE = "driver frozen for 20 s"
KINDS: dict[str, Callable[[Environment], psutil.Process | None]] = {
    "driver JVM": driver,
    "driver's Python": _python,
    "Airflow's task": _task,
    "Airflow's worker": _worker,
    FREEZE: driver,
    **{
        name: _server(name)
        for name in (
            "kafka", "mysql", "elasticsearch", "indexer", "postgres", "airflow-scheduler", "airflow-api-server",
            "airflow-dag-processor", "airflow-triggerer",
        )
    },
}  # fmt: skip
"""Returns the victim of each kind, or None if there is none at the moment."""


def order(count: int, rng: random.Random) -> list[str]:
    """`count` kinds: every kind once in random order, then again in a new order."""
    kinds: list[str] = []
    while len(kinds) < count:
        kinds += rng.sample(list(KINDS), len(KINDS))
    return kinds[:count]


def supervised(env: Environment) -> bool:
    """Whether exactly one driver runs, under its Airflow task: the parent of an orphan is not part of the stack."""
    try:
        worker = _worker(env)
        return worker is not None and ownership.is_own(env, worker) and len(_drivers(env)) == 1
    except psutil.NoSuchProcess:
        return False


def kill(env: Environment, kind: str) -> bool:
    """Kills a process of this kind with SIGKILL, or freezes it. Returns False if there is none at the moment."""
    with suppress(psutil.Error, OSError):
        victim = KINDS[kind](env)
        if victim is None or not ownership.is_own(env, victim):
            return False
        if kind != FREEZE:
            victim.kill()
            return True
        frozen = [victim, *victim.children(recursive=True)]
        for process in frozen:
            process.suspend()
        threading.Timer(FREEZE_SECONDS, _thaw, [frozen]).start()
        return True
    return False


def _thaw(processes: list[psutil.Process]) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(signal.SIGCONT)
