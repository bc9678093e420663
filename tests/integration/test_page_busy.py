"""Many open pages, and a script that asks without pause, cost the driver no heartbeat: the API server serves both."""

import threading
import time
from collections import Counter
from contextlib import closing

from include.stack.servers.probes import postgres_connection
from tests.integration.stack import EPOCH, Stack, wait_until_it_loads
from tests.integration.test_page_api import page

SECONDS = 30
PAGES, EVERY = 50, 3
"""Open pages; each asks again after as many seconds, as live.js does."""
IN_A_HURRY = 10
"""Threads of the script."""
TIMEOUT = 40
"""Age of a heartbeat at which Airflow takes a task for dead, in seconds: TASK_INSTANCE_HEARTBEAT_TIMEOUT."""
AGE = (
    "SELECT EXTRACT(EPOCH FROM now() - max(last_heartbeat_at)) FROM task_instance"
    " WHERE dag_id = 'classify_logs' AND state = 'running'"
)


def test_open_pages_and_a_script_cost_the_driver_no_heartbeat(stack: Stack) -> None:
    wait_until_it_loads(stack)
    (before,) = stack.root_sql(EPOCH)
    ended, answers, ages = threading.Event(), Counter[int](), list[float]()
    viewer = page(stack, "viewer")

    def ask(paths: tuple[str, ...], pause: float) -> None:
        while not ended.is_set():
            for path in paths:
                answers[viewer.get(path).status_code] += 1
            ended.wait(pause)

    asking = [
        *(threading.Thread(target=ask, args=(("data/hops", "data/summary", "data/logs"), EVERY)) for _ in range(PAGES)),
        *(threading.Thread(target=ask, args=(("data/log/0-0", "data/logs?search=0-1"), 0)) for _ in range(IN_A_HURRY)),
    ]
    for each in asking:
        each.start()
    try:
        with closing(postgres_connection(stack.env)) as connection, connection.cursor() as cursor:
            connection.autocommit = True
            until = time.monotonic() + SECONDS
            while time.monotonic() < until:
                cursor.execute(AGE)
                ages.append(float(cursor.fetchone()[0]))
                ended.wait(1)
    finally:
        ended.set()
        for each in asking:
            each.join()
    assert answers[200] > PAGES, answers
    assert set(answers) <= {200, 429, 503}, answers
    assert max(ages) < TIMEOUT, ages
    assert stack.root_sql(EPOCH) == [before], "the same driver"
