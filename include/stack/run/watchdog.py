"""Restarts a server that runs but does not answer, or that has grown beyond its bound. Itself run by supervisord.

supervisord brings back what ends by itself; this sees what hangs or swells, and tasks that lost their worker.
"""

import logging
import signal
import threading
import xmlrpc.client

import psutil

from include.settings import Settings
from include.stack import environment
from include.stack.environment import Environment
from include.stack.run import lost_tasks, status, supervisor
from include.stack.run.up import programs_of
from include.stack.servers.programs import Server

PAUSE = 15
"""Seconds between two rounds."""
FAILURES = 8
"""Unhealthy rounds in a row before a restart: two minutes, more than any server here needs to start."""

log = logging.getLogger("watchdog")


def size(env: Environment, server: Server) -> int:
    """Bytes of a program and its children; a page that several share is divided among them."""
    try:
        root = psutil.Process(supervisor.proxy(env).getProcessInfo(server.name)["pid"])
        return sum(_own_share(process) for process in [root, *root.children(recursive=True)])
    except (psutil.NoSuchProcess, OSError):
        return 0


def _own_share(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().pss)
    except psutil.Error:  # it has just ended, or is another user's
        return 0


def restart(env: Environment, server: Server, why: str) -> None:
    """Stops and starts one program through supervisord.

    The scheduler is killed: asked to end, it ends the tasks below it, and the stream with them.
    """
    log.warning("restarting %s: %s", server.name, why)
    rpc = supervisor.proxy(env)
    try:
        if server.name == "airflow-scheduler":
            rpc.signalProcess(server.name, "KILL")  # supervisord starts again what ends by itself
            return
        rpc.stopProcess(server.name)
        rpc.startProcess(server.name, False)
    except xmlrpc.client.Fault as fault:
        log.warning("supervisord could not restart %s: %s", server.name, fault.faultString)


def watch(env: Environment, programs: list[Server], stop: threading.Event) -> None:
    """Looks at every program in turn until stopped."""
    failures = dict.fromkeys((server.name for server in programs), 0)
    while not stop.wait(PAUSE):
        for server in programs:
            wrong = status.ask(env, server)
            failures[server.name] = failures[server.name] + 1 if wrong else 0
            grown = size(env, server)
            if grown > server.memory:
                restart(env, server, f"{grown >> 20} MiB resident, more than {server.memory >> 20}")
            elif failures[server.name] >= FAILURES:
                failures[server.name] = 0
                restart(env, server, f"unhealthy {FAILURES} times in a row, last: {wrong}")


def main() -> None:
    """Runs until SIGTERM."""
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.WARNING)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    env = environment.load(Settings())
    if env is None:
        raise SystemExit("supervisord starts this after ./logsieve up wrote the environment")
    threading.Thread(target=lost_tasks.watch, args=(env, stop), name="lost-tasks", daemon=True).start()
    watch(env, [server for server in programs_of(env) if server.name != "watchdog"], stop)


if __name__ == "__main__":
    main()
