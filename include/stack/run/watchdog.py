"""Restarts a server that runs but does not answer, or that exceeds its memory limit. Run by supervisord.

supervisord restarts programs that exit. The watchdog detects programs that hang or leak, and tasks without a worker.
"""

import logging
import signal
import threading
import xmlrpc.client
from contextlib import suppress

import psutil

from include.settings import Settings
from include.stack import environment
from include.stack.environment import Environment
from include.stack.run import lost_tasks, status, supervisor
from include.stack.run.up import programs_of
from include.stack.servers.programs import Server
from include.watch import programs
from include.watch.programs import Program

PAUSE = 15
"""Seconds between two rounds."""
NOTE_PAUSE = 3
FAILURES = 8
"""Consecutive unhealthy rounds before a restart: two minutes, longer than any server here takes to start."""

log = logging.getLogger("watchdog")


def size(env: Environment, server: Server) -> int:
    """Proportional set size of a program and its children, in bytes; 0 if it does not run."""
    try:
        root = psutil.Process(supervisor.proxy(env).getProcessInfo(server.name)["pid"])
        return sum(_own_share(process) for process in [root, *root.children(recursive=True)])
    except (psutil.NoSuchProcess, OSError):
        return 0


def _own_share(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().pss)
    except psutil.Error:  # it has just exited, or belongs to another user
        return 0


def restart(env: Environment, server: Server, why: str) -> None:
    """Stops and starts one program through supervisord.

    The scheduler is killed instead: on SIGTERM it would stop its tasks, including the stream.
    """
    log.warning("restarting %s: %s", server.name, why)
    rpc = supervisor.proxy(env)
    try:
        if server.name == "airflow-scheduler":
            rpc.signalProcess(server.name, "KILL")  # supervisord restarts it
            return
        rpc.stopProcess(server.name)
        rpc.startProcess(server.name, False)
    except xmlrpc.client.Fault as fault:
        log.warning("supervisord could not restart %s: %s", server.name, fault.faultString)


def watch(env: Environment, servers: list[Server], stop: threading.Event) -> None:
    """Checks every program every PAUSE seconds until stopped."""
    failures = dict.fromkeys((server.name for server in servers), 0)
    while not stop.wait(PAUSE):
        for server in servers:
            wrong = status.ask(env, server)
            failures[server.name] = failures[server.name] + 1 if wrong else 0
            grown = size(env, server)
            if grown > server.memory:
                restart(env, server, f"{grown >> 20} MiB resident, limit {server.memory >> 20} MiB")
            elif failures[server.name] >= FAILURES:
                failures[server.name] = 0
                restart(env, server, f"unhealthy {FAILURES} times in a row, last: {wrong}")


def note_starts(env: Environment, stop: threading.Event) -> None:
    """Notes every NOTE_PAUSE seconds, until stopped, when supervisord started each program."""
    while not stop.wait(NOTE_PAUSE):
        with suppress(OSError, xmlrpc.client.Error):  # supervisord is stopping
            found = {
                each["name"]: Program(each["statename"] == "RUNNING", each["start"])
                for each in supervisor.proxy(env).getAllProcessInfo()
            }
            programs.write(env.settings.programs, found)


def main() -> None:
    """Runs until SIGTERM."""
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.WARNING)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    env = environment.load(Settings())
    if env is None:
        raise SystemExit(
            "No stack has been started here. Run ./logsieve up, which starts the watchdog through supervisord."
        )
    threading.Thread(target=note_starts, args=(env, stop), name="starts", daemon=True).start()
    threading.Thread(target=lost_tasks.watch, args=(env, stop), name="lost-tasks", daemon=True).start()
    watch(env, [server for server in programs_of(env) if server.name != "watchdog"], stop)


if __name__ == "__main__":
    main()
