"""Finds the processes of a stack that a chaos run kills."""

from collections.abc import Callable
from contextlib import closing, suppress
from typing import Final

import psutil
import psycopg2

from include.names import CLASSIFY_DAG, DRIVER
from include.stack.environment import Environment
from include.stack.run import ownership, supervisor
from include.stack.servers.probes import postgres_connection

Find = Callable[[Environment], list[psutil.Process]]
"""Returns the victims, none if there is none at the moment. Raises psutil.Error and OSError."""

_SUBMIT: Final = "org.apache.spark.deploy.SparkSubmit"
_MASTER_OF_APPLICATION: Final = "org.apache.spark.deploy.yarn.ApplicationMaster"
_EXECUTORS: Final = {
    "org.apache.spark.executor.CoarseGrainedExecutorBackend",
    "org.apache.spark.executor.YarnCoarseGrainedExecutorBackend",
}
_TASK: Final = "SELECT pid FROM task_instance WHERE dag_id = %s AND task_id = 'stream' AND state = 'running'"


def driver(env: Environment) -> list[psutil.Process]:
    """The JVM of the streaming application, the youngest if there are two."""
    return _youngest(_drivers(env))


def python(env: Environment) -> list[psutil.Process]:
    """The driver's Python process."""
    return [child for jvm in driver(env) for child in jvm.children() if _runs_driver(child)]


def driver_and_python(env: Environment) -> list[psutil.Process]:
    """The driver's JVM and all processes that it started."""
    return [process for jvm in driver(env) for process in (jvm, *jvm.children(recursive=True))]


def executor(env: Environment) -> list[psutil.Process]:
    """The youngest executor on a cluster."""
    return _youngest([process for process in ownership.own_processes(env) if _EXECUTORS & set(_words(process))])


def task(env: Environment) -> list[psutil.Process]:
    """The process of the stream's task, as Airflow's metadata have it; none while PostgreSQL is away."""
    pids: list[int] = []
    with suppress(psycopg2.Error), closing(postgres_connection(env)) as connection, connection.cursor() as cursor:
        cursor.execute(_TASK, (CLASSIFY_DAG,))
        pids = [pid for (pid,) in cursor.fetchall() if pid]
    return [psutil.Process(pid) for pid in pids if psutil.pid_exists(pid)]


def worker(env: Environment) -> list[psutil.Process]:
    """Airflow's worker that runs the stream's task."""
    return _parents(task(env))


def server(name: str) -> Find:
    """Finds the largest process of the program: Elasticsearch starts its server from a small launcher."""

    def find(env: Environment) -> list[psutil.Process]:
        found = trees(name)(env)
        return [max(found, key=lambda process: process.memory_info().rss)] if name == "elasticsearch" else found[:1]

    return find


def trees(*names: str) -> Find:
    """Finds all processes of the programs, with those that they started."""

    def find(env: Environment) -> list[psutil.Process]:
        pids = [pid for name in names if (pid := supervisor.proxy(env).getProcessInfo(name)["pid"])]
        tops = [psutil.Process(pid) for pid in pids]
        return [process for top in tops for process in (top, *top.children(recursive=True))]

    return find


def supervised(env: Environment) -> bool:
    """Whether exactly one driver runs, and Airflow has a task for it: the parent of an orphan is not of the stack."""
    try:
        jvms, tasks = _drivers(env), task(env)
        workers = _parents(tasks)
        follows = env.engine == "yarn" or _parents(jvms) == tasks
        return len(jvms) == len(tasks) == len(workers) == 1 and follows and ownership.is_own(env, workers[0])
    except psutil.NoSuchProcess:
        return False


def _parents(processes: list[psutil.Process]) -> list[psutil.Process]:
    return [parent for process in processes if (parent := process.parent())]


def _drivers(env: Environment) -> list[psutil.Process]:
    main = _MASTER_OF_APPLICATION if env.engine == "yarn" else _SUBMIT
    found = ownership.own_processes(env)
    return [process for process in found if main in _words(process) and _runs_driver(process)]


def _runs_driver(process: psutil.Process) -> bool:
    return any(word.endswith(f"{DRIVER}.py") for word in _words(process))


def _words(process: psutil.Process) -> list[str]:
    """The words of the command line; none for a zombie."""
    try:
        words: list[str] = process.cmdline()
    except psutil.Error:
        return []
    return words


def _youngest(found: list[psutil.Process]) -> list[psutil.Process]:
    return sorted(found, key=lambda process: process.create_time())[-1:]
