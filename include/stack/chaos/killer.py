"""Finds and kills the processes of a stack, for chaos runs. Each victim is looked up immediately before its kill.

One kind kills nothing of the stack: the contract changes.
"""

import random
import signal
import threading
from contextlib import suppress

import psutil

from include.stack.chaos import contract_change, victims
from include.stack.chaos.victims import Find
from include.stack.engines import YARN_MANAGER, Embedded, Engine
from include.stack.environment import Environment
from include.stack.run import ownership
from include.stack.servers import spark_config, yarn_config

FREEZE_SECONDS = 20.0

IN_THE_INDEX = {"elasticsearch", "indexer"}
"""Kinds after which a new verdict is awaited in the index; after all others, in MySQL."""

FREEZE = "driver frozen for 20 s"
ALL_OF_AIRFLOW = "all of Airflow"
CONTRACT = "another contract"
_AIRFLOW = ("airflow-scheduler", "airflow-api-server", "airflow-dag-processor", "airflow-triggerer")
_SERVERS = ("kafka", "mysql", "elasticsearch", "indexer", "postgres", *_AIRFLOW)
_OF_ENGINE: dict[Engine, tuple[str, ...]] = {
    "local": (),
    "spark": ("spark-master", *spark_config.WORKERS),
    "yarn": (YARN_MANAGER, *yarn_config.NODES),
}


def kinds(engine: Engine) -> dict[str, Find]:
    """What finds the victims of each kind, by its name."""
    found: dict[str, Find] = {
        "driver JVM": victims.driver,
        "driver's Python": victims.python,
        "Airflow's task": victims.task,
        "Airflow's worker": victims.worker,
        FREEZE: victims.driver_and_python,
        CONTRACT: lambda _: [],
        ALL_OF_AIRFLOW: victims.trees(*_AIRFLOW),
    }
    found |= {name: victims.server(name) for name in (*_SERVERS, *_OF_ENGINE.get(engine, ()))}
    return found if engine == "local" else found | {"an executor": victims.executor}


def order(engine: Embedded, count: int, rng: random.Random) -> list[str]:
    """`count` kinds: every kind once in random order, then again in a new order."""
    all_kinds, found = list(kinds(engine)), list[str]()
    while len(found) < count:
        found += rng.sample(all_kinds, len(all_kinds))
    return found[:count]


def kill(env: Environment, kind: str) -> bool:
    """Kills the processes of this kind with SIGKILL, or freezes them. Returns False if there is none at the moment.

    Of the kind CONTRACT, it returns whether the next contract is in effect.
    """
    if kind == CONTRACT:
        return contract_change.change(env)
    with suppress(psutil.Error, OSError):
        found = [victim for victim in kinds(env.engine)[kind](env) if ownership.is_own(env, victim)]
        for victim in found:
            with suppress(psutil.NoSuchProcess):  # it ended with another one
                victim.send_signal(signal.SIGSTOP if kind == FREEZE else signal.SIGKILL)
        if kind == FREEZE:
            threading.Timer(FREEZE_SECONDS, _thaw, [found]).start()
        return bool(found)
    return False


def _thaw(processes: list[psutil.Process]) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(signal.SIGCONT)
