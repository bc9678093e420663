"""Identifies the processes of this stack: each carries a mark in its environment, whatever its parent is."""

import os
from pathlib import Path

import psutil

from include.stack.environment import STACK_VARIABLE, Environment


def pid_file(env: Environment) -> Path:
    """The file with the process id of supervisord, which is also the id of its session."""
    return env.state / "supervisord.pid"


def own_processes(env: Environment) -> list[psutil.Process]:
    """Every running process of this stack except the caller, whatever its parent is now."""
    return [process for process in psutil.process_iter() if is_own(env, process) and process.pid != os.getpid()]


def is_own(env: Environment, process: psutil.Process) -> bool:
    """Whether the process carries this stack's mark or, if its environment is unreadable, is in supervisord's session.

    The environment of Airflow's workers is readable by root only, and in a container not even by root. The same holds
    for processes of other users.
    """
    try:
        return _is_marked(env, process)
    except psutil.AccessDenied:
        return _is_of_session(env, process)
    except psutil.Error:  # it has just exited
        return False


def _is_marked(env: Environment, process: psutil.Process) -> bool:
    return bool(process.environ().get(STACK_VARIABLE) == str(env.state))


def _is_of_session(env: Environment, process: psutil.Process) -> bool:
    try:
        leader = int(pid_file(env).read_text())
        if os.getsid(process.pid) != leader:
            return False
        # The kernel does not reuse the id while the session has processes. So a running leader is supervisord, unless
        # the pid file dates from before this machine booted.
        return not psutil.pid_exists(leader) or _is_marked(env, psutil.Process(leader))
    except (OSError, ValueError, psutil.Error):
        return False
