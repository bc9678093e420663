"""Detects tasks whose worker was killed, and has the scheduler retry them.

Airflow detects such a task by missing heartbeats, but heartbeats are also missing while the API server is down. Its
timeout must therefore be long (AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT), and a driver that also died would
not be restarted until then. On a single machine the processes can be inspected: a task without its worker has a parent
outside of this stack, or has exited without the API server knowing. Its last heartbeat is reset, so that the scheduler
retries it.
"""

import logging
import threading
from collections.abc import Mapping
from contextlib import closing, suppress
from typing import Any

import psutil
import psycopg2

from include.stack.environment import Environment
from include.stack.run import ownership
from include.stack.servers.probes import api_server, postgres_connection

PAUSE = 1
"""Seconds between two checks."""
UNREPORTED = 5
"""Consecutive checks with a task that has exited unreported while the API server answers: workers poll every 4 s."""

# Only tasks of a scheduler: `airflow dags test` has no workers.
_RUNNING = (
    "SELECT pid, dag_id || '.' || task_id FROM task_instance"
    " WHERE state = 'running' AND pid IS NOT NULL AND queued_by_job_id IS NOT NULL AND last_heartbeat_at > 'epoch'"
)
# A scheduler handles its own tasks, and adopts those of a scheduler that has been dead for 30 s. A task without a
# scheduler is never adopted, so while no scheduler runs, the task stays assigned to the last one.
_RESET_HEARTBEAT = (
    "UPDATE task_instance SET last_heartbeat_at = 'epoch', queued_by_job_id = COALESCE((SELECT id FROM job"
    " WHERE job_type = 'SchedulerJob' AND state = 'running' ORDER BY latest_heartbeat DESC LIMIT 1), queued_by_job_id)"
    " WHERE state = 'running' AND pid = %s"
)

log = logging.getLogger("watchdog")


def watch(env: Environment, stop: threading.Event) -> None:
    """Checks every PAUSE seconds until stopped, over one connection: a login costs more than a check."""
    ended: Mapping[int, int] = {}
    while not stop.wait(PAUSE):
        with suppress(psycopg2.Error), closing(postgres_connection(env)) as connection:
            while not stop.wait(PAUSE):
                ended = look(env, connection, ended)


def look(env: Environment, connection: Any, before: Mapping[int, int]) -> dict[int, int]:
    """Checks once. Returns the number of consecutive checks by pid of each exited task; `before`: the last result.

    Raises psycopg2.Error if PostgreSQL does not answer.
    """
    ended: dict[int, int] = {}
    with connection, connection.cursor() as cursor:
        cursor.execute(_RUNNING)
        for pid, task in cursor.fetchall():
            if not psutil.pid_exists(pid):
                ended[pid] = 0 if api_server(env) else before.get(pid, 0) + 1
            if ended.get(pid, 0) >= UNREPORTED or has_lost_its_worker(env, pid):
                log.warning("the worker of %s was killed: Airflow retries the task", task)
                cursor.execute(_RESET_HEARTBEAT, (pid,))
    return ended


def has_lost_its_worker(env: Environment, pid: int) -> bool:
    """Whether the process is alive and its parent is not part of this stack."""
    try:
        parent = psutil.Process(pid).parent()
    except psutil.NoSuchProcess:
        return False
    return parent is None or not ownership.is_own(env, parent)
