"""Starts, queries and stops supervisord, which restarts the stack's programs and rotates their logs."""

import os
import resource
import shlex
import subprocess
import sys
import time
import xmlrpc.client
from collections.abc import Callable
from configparser import RawConfigParser
from contextlib import suppress
from io import StringIO
from pathlib import Path
from typing import Any, Final

import psutil
from supervisor.xmlrpc import Faults

from include import retries
from include.stack.environment import HOST, Environment
from include.stack.errors import StackError
from include.stack.private import write_private
from include.stack.run import ownership
from include.stack.servers import server_users
from include.stack.servers.programs import Server

PROGRAM: Final = {
    "autostart": "false",
    "autorestart": "true",
    "startsecs": "3",
    "startretries": "1000",
    "stopasgroup": "true",
    "killasgroup": "true",
    "redirect_stderr": "true",
    "stdout_logfile_maxbytes": "10MB",
    "stdout_logfile_backups": "3",
}
"""Settings of every program."""
STRAGGLER_SECONDS = 15


def log_file(env: Environment, name: str) -> Path:
    """The file with a program's output."""
    return env.state / "logs" / f"{name}.log"


def write_script(env: Environment, server: Server) -> Path:
    """Writes the script that starts a program in its own environment, readable only by the user that runs it.

    A shell takes every value literally; supervisord's `environment=` option does not. Returns the script's path.
    """
    # Another user may not be able to enter the state folder.
    path = (server.directory if server.user else env.state / "programs") / f"{server.name}.sh"
    lines = [f"export {name}={shlex.quote(value)}" for name, value in sorted(server.environment(env).items())]
    text = "\n".join([*lines, f"exec {shlex.join(server.command)}", ""])
    if server.user:
        server_users.write_readable(path, text, server.name)
    else:
        write_private(path, text)
    return path


def write_config(env: Environment, programs: list[Server]) -> Path:
    """Writes supervisord.conf and a script for each program; returns the path of supervisord.conf."""
    path = env.state / "supervisord.conf"
    config = RawConfigParser()
    config["supervisord"] = {
        **({"user": "root"} if os.geteuid() == 0 else {}),
        "umask": "077",
        "logfile": str(log_file(env, "supervisord")),
        "logfile_maxbytes": "10MB",
        "logfile_backups": "3",
        "pidfile": str(ownership.pid_file(env)),
    }
    config["inet_http_server"] = {
        "port": f"{HOST}:{env.ports.supervisor}",
        "username": "logsieve",
        "password": env.passwords["supervisor"],
    }
    config["rpcinterface:supervisor"] = {
        "supervisor.rpcinterface_factory": "supervisor.rpcinterface:make_main_rpcinterface"
    }
    for server in programs:
        config[f"program:{server.name}"] = {
            **PROGRAM,
            "command": f'/bin/sh "{write_script(env, server)}"',
            "directory": str(server.directory),
            **({"user": server.user} if server.user else {}),
            "stopsignal": server.stop_signal,
            "stopwaitsecs": str(server.stop_seconds),
            "stdout_logfile": str(log_file(env, server.name)),
        }
    text = StringIO()
    config.write(text)
    write_private(path, text.getvalue())
    return path


def start(env: Environment, programs: list[Server]) -> None:
    """Starts supervisord with no program running yet. Programs inherit its environment, which is therefore minimal.

    Raises StackError if supervisord does not start.
    """
    log_file(env, "x").parent.mkdir(parents=True, exist_ok=True)
    config = write_config(env, programs)
    command = [sys.executable, "-m", "supervisor.supervisord", "-c", str(config)]
    _, most = resource.getrlimit(resource.RLIMIT_CORE)
    # Inherited by all programs: a core dump contains logs and secrets, and is as large as the process.
    resource.setrlimit(resource.RLIMIT_CORE, (0, most))
    done = subprocess.run(command, env=env.machine(), capture_output=True, text=True)
    if done.returncode != 0:
        raise StackError(f"supervisord did not start: {done.stderr.strip()}", f"See {log_file(env, 'supervisord')}.")


def proxy(env: Environment) -> Any:
    """supervisord's RPC interface."""
    address = f"http://logsieve:{env.passwords['supervisor']}@{HOST}:{env.ports.supervisor}/RPC2"
    return xmlrpc.client.ServerProxy(address).supervisor


def run(env: Environment, name: str) -> None:
    """Starts one program; supervisord restarts it if it exits."""
    proxy(env).startProcess(name, False)


def halt(env: Environment, name: str) -> None:
    """Stops one program and waits until it has exited; it stays down until `run`."""
    try:
        proxy(env).stopProcess(name)
    except xmlrpc.client.Fault as fault:
        if fault.faultCode != Faults.NOT_RUNNING:
            raise


def wait_for_port(env: Environment, name: str, port: int, seconds: float = 120) -> None:
    """Waits until the program itself listens on the port: another user's program could take it.

    Raises StackError if it does not within `seconds`.
    """

    def listens() -> bool:
        with suppress(psutil.Error):
            process = psutil.Process(proxy(env).getProcessInfo(name)["pid"])
            listening = process.net_connections(kind="tcp")
            return any(each.status == psutil.CONN_LISTEN and each.laddr.port == port for each in listening)
        return False

    late = StackError(f"{name} does not listen on port {port}.", f"See ./logsieve logs {name}.")
    retries.until(listens, seconds, lambda _: late, pause=0.1)


def is_whole(env: Environment) -> bool:
    """Whether every program was started. False if an `up` was killed halfway, or supervisord does not answer."""
    try:
        return all(program["start"] for program in proxy(env).getAllProcessInfo())
    except (OSError, xmlrpc.client.Error):
        return False


def process_of(env: Environment) -> psutil.Process | None:
    """The process of this stack's supervisord, or None if it is not running."""
    try:
        process = psutil.Process(int(ownership.pid_file(env).read_text()))
        return process if ownership.is_own(env, process) else None
    except (FileNotFoundError, ValueError, psutil.NoSuchProcess):
        return None


def is_command(process: int) -> bool:
    """Whether the process is a running `./logsieve` command."""
    try:
        return "include.stack.commands.cli" in psutil.Process(process).cmdline()
    except psutil.Error:
        return False


def end_command(process: int) -> None:
    """Sends SIGTERM to a command."""
    with suppress(psutil.NoSuchProcess):
        psutil.Process(process).terminate()


def stop(env: Environment, *, seconds: float = 60, on_wait: Callable[[list[str]], None] | None = None) -> int:
    """Stops supervisord and every process of this stack; returns the number of processes.

    Sends SIGTERM first. Processes still running after `seconds`, or STRAGGLER_SECONDS after supervisord has exited,
    are killed.
    """
    started = ownership.own_processes(env)
    supervisord = process_of(env)
    if supervisord is not None:
        with suppress(OSError, xmlrpc.client.Fault):  # it may be starting or stopping: the signal still works
            _stop_tasks(env)
            proxy(env).stopAllProcesses(False)  # in parallel: supervisord's shutdown is sequential
        supervisord.terminate()
    else:
        for process in started:
            _signal(process.terminate)
    deadline = time.monotonic() + seconds
    while (living := _living(env, started)) and time.monotonic() < deadline:
        if on_wait:
            on_wait(sorted({name(process) for process in living}))
        if supervisord is not None and not supervisord.is_running():
            # Processes that outlive supervisord were not its children: Airflow tasks, the Spark application.
            supervisord, deadline = None, time.monotonic() + STRAGGLER_SECONDS
            for process in living:
                _signal(process.terminate)
        psutil.wait_procs(living, timeout=0.5)
    for process in _living(env, started):
        _signal(process.kill)
    psutil.wait_procs(_living(env, started), timeout=5)
    return len(started)


def _living(env: Environment, started: list[psutil.Process]) -> list[psutil.Process]:
    """Includes `started`: once supervisord has exited and removed its pid file, some are no longer identifiable."""
    known = [process for process in started if process.is_running() and not _is_zombie(process)]
    return list({*known, *ownership.own_processes(env)})


def _is_zombie(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return bool(process.status() == psutil.STATUS_ZOMBIE)
    return True


def _stop_tasks(env: Environment) -> None:
    """Stops the scheduler and its tasks first, while the API server can still record their final states."""
    rpc = proxy(env)
    with suppress(psutil.NoSuchProcess, xmlrpc.client.Fault):  # this stack may not include a scheduler
        scheduler = psutil.Process(rpc.getProcessInfo("airflow-scheduler")["pid"])
        tasks = scheduler.children(recursive=True)
        rpc.stopProcess("airflow-scheduler", False)
        for process in tasks:
            _signal(process.terminate)
        psutil.wait_procs([scheduler, *tasks], timeout=STRAGGLER_SECONDS)


def name(process: psutil.Process) -> str:
    """The short name of a process, or a question mark if it has exited."""
    try:
        return str(process.name())
    except psutil.NoSuchProcess:
        return "?"


def _signal(send: Callable[[], None]) -> None:
    with suppress(psutil.NoSuchProcess):
        send()
