"""Old runs are deleted with all their data, while the endless runs keep theirs, however old they are."""

import os
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from include.stack.servers.probes import postgres_connection
from tests.integration.stack import Stack

SECONDS = 120
OLD = time.time() - 30 * 86_400
ENDLESS = (
    "SELECT dag_id, run_id FROM dag_run WHERE state = 'running' AND dag_id IN ('classify_logs', 'generate_logs')"
    " ORDER BY id"
)
COLUMNS = (
    "SELECT string_agg(quote_ident(column_name), ', ') FROM information_schema.columns"
    " WHERE table_name = 'dag_run' AND column_name NOT IN ('id', 'run_id', 'logical_date')"
)


def metadata(stack: Stack, *statements: str) -> list[tuple[Any, ...]]:
    """Runs the statements in one transaction; returns the rows of the last one."""
    with closing(postgres_connection(stack.env)) as connection, connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
        return cursor.fetchall() if cursor.description else []


def logs_of(stack: Stack, dag_id: str, run_id: str) -> list[Path]:
    folder = stack.state / "logs" / "airflow" / f"dag_id={dag_id}" / f"run_id={run_id}"
    return sorted(path for path in folder.rglob("*.log") if path.is_file())


def test_an_old_run_is_deleted_with_its_logs_and_the_endless_ones_stay(stack: Stack) -> None:
    ((old_run,),) = metadata(stack, "SELECT run_id FROM dag_run WHERE dag_id = 'bootstrap' ORDER BY id LIMIT 1")
    endless = metadata(stack, ENDLESS)
    assert {dag_id for dag_id, _ in endless} == {"classify_logs", "generate_logs"}
    ((columns,),) = metadata(stack, COLUMNS)
    metadata(
        stack,
        # One newer run of the same DAG; all other runs are old.
        f"INSERT INTO dag_run (run_id, {columns}) SELECT 'newer', {columns} FROM dag_run"
        f" WHERE dag_id = 'bootstrap' AND run_id = '{old_run}'",
        "UPDATE dag_run SET start_date = start_date - INTERVAL '30 days', end_date = end_date - INTERVAL '30 days'"
        f" WHERE run_id = '{old_run}' OR state = 'running'",
        "UPDATE log SET dttm = dttm - INTERVAL '30 days' WHERE dag_id = 'bootstrap'",
    )
    theirs, kept = logs_of(stack, "bootstrap", old_run), [log for run in endless for log in logs_of(stack, *run)]
    assert theirs
    assert len(kept) >= len(endless)
    for file in (*theirs, *kept):
        os.utime(file, (OLD, OLD))

    done = stack.run("airflow", "dags", "test", "expire_runs", seconds=SECONDS)

    printed = done.stdout + done.stderr
    assert done.returncode == 0, printed[-4000:]
    assert "state=success" in printed, printed[-4000:]
    left = {run_id for (run_id,) in metadata(stack, "SELECT run_id FROM dag_run WHERE dag_id = 'bootstrap'")}
    assert (old_run in left, "newer" in left) == (False, True)
    assert metadata(stack, f"SELECT COUNT(*) FROM task_instance WHERE run_id = '{old_run}'") == [(0,)]
    old_rows = "SELECT COUNT(*) FROM log WHERE dag_id = 'bootstrap' AND dttm < now() - INTERVAL '8 days'"
    assert metadata(stack, old_rows) == [(0,)]
    assert metadata(stack, "SELECT tablename FROM pg_tables WHERE tablename LIKE '_airflow_deleted%'") == []
    assert logs_of(stack, "bootstrap", old_run) == []
    assert metadata(stack, ENDLESS) == endless
    for run in endless:
        assert logs_of(stack, *run), run
