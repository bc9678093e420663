"""Which processes are this stack's: each is started with a mark, and keeps it whoever its parent is."""

import os

import psutil

from include.stack.environment import STACK_VARIABLE, Environment


def own_processes(env: Environment) -> list[psutil.Process]:
    """Every living process of this stack, whoever its parent is now."""
    return [process for process in psutil.process_iter() if is_own(env, process) and process.pid != os.getpid()]


def is_own(env: Environment, process: psutil.Process) -> bool:
    """Whether it carries this stack's mark; of one that hides its environment: whether it is of supervisord's session.

    Airflow's workers hide theirs from all but root, and from root in a container; so does what runs as another user.
    """
    try:
        return _is_marked(env, process)
    except psutil.AccessDenied:
        return _is_of_session(env, process)
    except psutil.Error:  # it has just ended
        return False


def _is_marked(env: Environment, process: psutil.Process) -> bool:
    return bool(process.environ().get(STACK_VARIABLE) == str(env.state))


def _is_of_session(env: Environment, process: psutil.Process) -> bool:
    try:
        leader = int((env.state / "supervisord.pid").read_text())
        if os.getsid(process.pid) != leader:
            return False
        # The number is not used again while somebody is of the session: a leader that lives is supervisord, or the
        # file is of a time before this machine was started.
        return not psutil.pid_exists(leader) or _is_marked(env, psutil.Process(leader))
    except (OSError, ValueError, psutil.Error):
        return False
