"""Tasks whose worker was killed: Airflow learns of them by heartbeats that stay away, as they do without an API server.

So it has to be patient (AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT), and until then nobody would bring a
driver back that dies too. On one machine one can look: a task that has lost its worker is the child of somebody else,
or has ended and nobody tells the API server. Its last heartbeat is taken away, and the scheduler has it tried again.
"""

import logging
import threading
from collections.abc import Mapping
from contextlib import closing, suppress

import psutil
import psycopg2

from include.stack.environment import Environment
from include.stack.run import ownership
from include.stack.servers.probes import api_server, postgres_connection

PAUSE = 1
"""Seconds between two looks."""
UNTOLD = 5
"""Looks in a row in which a task has ended and the API server answers, but was not told: workers ask it every 4 s."""

# Those of a scheduler: `airflow dags test` has no workers.
_RUNNING = (
    "SELECT pid, dag_id || '.' || task_id FROM task_instance"
    " WHERE state = 'running' AND pid IS NOT NULL AND queued_by_job_id IS NOT NULL AND last_heartbeat_at > 'epoch'"
)
# A scheduler looks after its own tasks only, and after another's when that one has been dead for half a minute. Nobody
# would ever look after a task of none: while no scheduler runs, it stays the last one's.
_TAKE_HEARTBEAT = (
    "UPDATE task_instance SET last_heartbeat_at = 'epoch', queued_by_job_id = COALESCE((SELECT id FROM job"
    " WHERE job_type = 'SchedulerJob' AND state = 'running' ORDER BY latest_heartbeat DESC LIMIT 1), queued_by_job_id)"
    " WHERE state = 'running' AND pid = %s"
)

log = logging.getLogger("watchdog")


def watch(env: Environment, stop: threading.Event) -> None:
    """Looks until stopped."""
    ended: Mapping[int, int] = {}
    while not stop.wait(PAUSE):
        with suppress(psycopg2.Error):
            ended = look(env, ended)


def look(env: Environment, before: Mapping[int, int]) -> dict[int, int]:
    """Looks once; gives, of the tasks that have ended, in how many looks in a row, `before` with this one.

    Raises psycopg2.Error when PostgreSQL is away.
    """
    ended: dict[int, int] = {}
    with closing(postgres_connection(env)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(_RUNNING)
        for pid, task in cursor.fetchall():
            if not psutil.pid_exists(pid):
                ended[pid] = 0 if api_server(env) else before.get(pid, 0) + 1
            if ended.get(pid, 0) >= UNTOLD or has_lost_its_worker(env, pid):
                log.warning("the worker of %s was killed: the task is tried again", task)
                cursor.execute(_TAKE_HEARTBEAT, (pid,))
    return ended


def has_lost_its_worker(env: Environment, pid: int) -> bool:
    """Whether it lives, and its parent is none of this stack."""
    try:
        parent = psutil.Process(pid).parent()
    except psutil.NoSuchProcess:
        return False
    return parent is None or not ownership.is_own(env, parent)
