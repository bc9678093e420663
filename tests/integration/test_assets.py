"""The events of the tables' assets, and the example that counts by them: each row once, whatever is killed."""

import json
import random
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from itertools import pairwise
from typing import Any

import psutil
import pytest

from include import names
from include.retention import airflow_runs
from include.settings import Settings
from include.stack.airflow.api import AirflowApi
from include.stack.servers.probes import postgres_connection
from tests.integration.sink import Sink
from tests.integration.stack import Stack, until, wait_until_all_is_loaded
from tests.integration.test_odd_logs import log

EXAMPLE = "hourly_counts"
ROUNDS = 6
KILLS = 2
"""Of either DAG's tasks, in each round."""
EVENTS_A_DAY = 3 * 24 * 60 // Settings.model_fields["announce_minutes"].default
RUNNING = "SELECT pid FROM task_instance WHERE dag_id = %s AND state = 'running'"
EVENTS = (
    "SELECT asset_event.id, source_task_id, asset_event.extra FROM asset_event JOIN asset ON asset.id = asset_id"
    f" WHERE asset.name = 'good_logs' AND source_dag_id = '{names.ANNOUNCE_DAG}' ORDER BY asset_event.id"
)
TOPICS = "SELECT GROUP_CONCAT(id ORDER BY topic SEPARATOR '/') FROM logs.topic_ids"
LAST = "SELECT MAX(last_offset) + 1 FROM logs.counted_ranges WHERE topics = %s AND kafka_partition = %s"
COUNTED = "SELECT COALESCE(SUM(logs), 0) FROM logs.hourly_counts WHERE topics = %s AND kafka_partition = %s"
ROWS = "SELECT COUNT(*) FROM logs.good_logs WHERE kafka_partition = %s AND kafka_offset < %s"
OF_RANGE = (
    "SELECT COUNT(*), MIN(received_at), MAX(received_at) FROM logs.good_logs"
    " WHERE kafka_partition = %s AND kafka_offset BETWEEN %s AND %s"
)


def metadata(stack: Stack, query: str, params: Any = ()) -> list[tuple[Any, ...]]:
    with closing(postgres_connection(stack.env)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(query, params)
        return cursor.fetchall() if cursor.description else []


def topics(stack: Stack) -> str:
    return stack.root_sql(TOPICS)[0][0]


def events(stack: Stack, kind: str) -> list[dict[str, Any]]:
    """What the events of good_logs say, in their order."""
    found = [extra for _, _, extra in metadata(stack, EVENTS) if extra["kind"] == kind]
    return [extra for extra in found if extra["topics"] == topics(stack)]


def ranges(stack: Stack, kind: str, partition: int) -> list[dict[str, Any]]:
    """The ranges of one Kafka partition in these events."""
    return [each for extra in events(stack, kind) for each in extra["ranges"] if each["partition"] == partition]


def announce(stack: Stack) -> None:
    """Runs announce_rows until it has ended."""
    api = AirflowApi(stack.env)
    run = api.trigger(names.ANNOUNCE_DAG, {})
    until(lambda: api.run_state(names.ANNOUNCE_DAG, run) == "success", 60, f"{run} has ended")


def counts(stack: Stack, partition: int) -> tuple[int, int, int]:
    """The first offset that the example has not counted, the sum of its counts, and the rows of the counted logs."""
    place = (topics(stack), partition)
    end = int(stack.root_sql(LAST, place)[0][0] or 0)
    return end, int(stack.root_sql(COUNTED, place)[0][0]), stack.root_sql(ROWS, (partition, end))[0][0]


def is_counted(stack: Stack, partition: int) -> bool:
    """Whether the example has counted all rows that are announced, as good_logs has them now."""
    end, counted, rows = counts(stack, partition)
    return end == ranges(stack, "rows", partition)[-1]["last_offset"] + 1 and counted == rows


@pytest.fixture(scope="module")
def counting(stack: Stack) -> Iterator[Stack]:
    """The stack with the example switched on."""
    api = AirflowApi(stack.env)
    until(lambda: EXAMPLE in api.dags(), 90, "Airflow has read the example")
    api.unpause(EXAMPLE)
    yield stack
    api._call("PATCH", f"/dags/{EXAMPLE}", json={"is_paused": True})


@pytest.fixture
def sink(stack: Stack) -> Iterator[Sink]:
    sink = Sink(stack, 880)
    yield sink
    sink.clear()
    for table in ("counted_ranges", "hourly_counts"):
        stack.root_sql(f"DELETE FROM logs.{table} WHERE kafka_partition = %s", (sink.partition,))


def kill_a_task(stack: Stack, dag_id: str, *, with_worker: bool) -> bool:
    """Kills the process of a running task of the DAG, if there is one; `with_worker`: also the worker above it."""
    for (pid,) in metadata(stack, RUNNING, (dag_id,)):
        with suppress(psutil.NoSuchProcess):
            task = psutil.Process(pid)
            worker = task.parent() if with_worker else None
            task.kill()
            if worker is not None:
                worker.kill()
            return True
    return False


def test_each_row_is_announced_and_counted_once_whatever_is_killed(counting: Stack) -> None:
    api, rng, killed = (
        AirflowApi(counting.env),
        random.Random(20261201),
        dict.fromkeys((names.ANNOUNCE_DAG, EXAMPLE), 0),
    )
    for number in range(ROUNDS):
        counting.generate(500)
        wait_until_all_is_loaded(counting)
        left = dict.fromkeys(killed, KILLS)
        run = api.trigger(names.ANNOUNCE_DAG, {})

        def kill(left: dict[str, int] = left, run: str = run, with_worker: bool = number == 0) -> bool:
            time.sleep(rng.uniform(0, 0.6))  # a random moment of the task's life
            for dag_id in left:
                if left[dag_id] and kill_a_task(counting, dag_id, with_worker=with_worker and left[dag_id] == KILLS):
                    left[dag_id] -= 1
                    killed[dag_id] += 1
            return api.run_state(names.ANNOUNCE_DAG, run) in {"success", "failed"}

        until(kill, 90, f"{run} has ended")
    announce(counting)
    for partition in (0, 1):
        until(lambda partition=partition: is_counted(counting, partition), 90, "the counts are those of good_logs")
        assert counts(counting, partition)[1] > 0
        found = ranges(counting, "rows", partition)
        assert all(each["first_offset"] <= each["last_offset"] for each in found)
        for one, next_one in pairwise(found):
            assert next_one["first_offset"] == one["last_offset"] + 1, "no log is announced twice, and none is left out"
    assert min(killed.values()) >= ROUNDS // 2, killed


def test_an_event_says_how_many_rows_its_table_has_and_of_when(counting: Stack) -> None:
    announce(counting)
    *_, last = [extra for extra in events(counting, "rows") if any(each["rows"] for each in extra["ranges"])]
    for each in last["ranges"]:
        place = (each["partition"], each["first_offset"], each["last_offset"])
        ((rows, first, latest),) = counting.root_sql(OF_RANGE, place)
        assert rows == each["rows"]
        for found, name in ((first, "first_received_at"), (latest, "last_received_at")):
            assert each[name] == (found and f"{found.isoformat(timespec='milliseconds')}+00:00")


def test_a_correction_is_an_event_of_its_own_and_counted_too(counting: Stack, sink: Sink) -> None:
    sink.load(sink.batch(*(sink.message(offset) for offset in range(6))))
    announce(counting)
    until(lambda: is_counted(counting, sink.partition), 60, "the new rows are counted")
    assert counts(counting, sink.partition) == (6, 6, 6)

    sink.load(sink.batch(sink.message(3, names.SUSPICIOUS, reasons=["unexpected_device"], revision=1)))
    announce(counting)
    announce(counting)
    at = "2026-11-23T01:02:03.456+00:00"
    corrected = {"partition": sink.partition, "first_offset": 3, "last_offset": 3, "logs": 1, "cause": "stream"}
    corrected |= {"first_received_at": at, "last_received_at": at}
    assert ranges(counting, "correction", sink.partition) == [corrected]
    assert [each["last_offset"] for each in ranges(counting, "rows", sink.partition)] == [5], "not announced again"
    until(lambda: counts(counting, sink.partition) == (6, 5, 5), 60, "the correction is counted")


def test_a_correction_says_why_it_was_made(counting: Stack) -> None:
    replayed, rejudged = origins = counting.send([b"rubbish", log(device=counting.first_device(684))])
    until(lambda: counting.loaded() >= set(origins), 60, "both logs are loaded")
    announce(counting)
    # As if the rules, and the users, had been others.
    where = "WHERE kafka_partition = %s AND kafka_offset = %s"
    counting.root_sql(f"UPDATE logs.bad_logs SET raw = '{{}}', raw_size = 2 {where}", replayed)
    counting.root_sql(f"UPDATE logs.good_logs SET device = 'x' {where}", rejudged)
    ((since,),) = counting.root_sql(f"SELECT received_at FROM logs.bad_logs {where}", replayed)
    for command in (("replay", "--reason", "not_json", "--from", f"{since:%Y-%m-%d %H:%M:%S}"), ("rejudge",)):
        done = counting.run(*command, seconds=180)
        assert done.returncode == 0, done.stderr
    announce(counting)
    for (partition, offset), cause in ((replayed, names.REPLAY), (rejudged, names.REJUDGEMENT)):
        found = [each for each in ranges(counting, "correction", partition) if each["cause"] == cause]
        assert any(each["first_offset"] <= offset <= each["last_offset"] for each in found), found
        assert all(each["first_received_at"] <= each["last_received_at"] for each in found)


def test_the_position_survives_the_expiry_of_old_events(counting: Stack) -> None:
    announce(counting)
    before = events(counting, "rows")[-1]
    metadata(counting, "UPDATE asset_event SET timestamp = timestamp - INTERVAL '1000 days'")
    with closing(postgres_connection(counting.env)) as connection, connection, connection.cursor() as cursor:
        airflow_runs.expire(cursor, 900)
    assert [event["next_offsets"] for event in events(counting, "rows")] == [before["next_offsets"]]
    counting.generate(50)
    wait_until_all_is_loaded(counting)
    announce(counting)
    after = events(counting, "rows")[1]
    firsts = {each["partition"]: each["first_offset"] for each in after["ranges"]}
    assert firsts == {number: before["next_offsets"][str(number)] for number in firsts}


def test_an_event_that_comes_while_its_dag_is_busy_is_not_left_behind(counting: Stack) -> None:
    """Airflow alone would keep the time of the first one, and hand over only what is older."""
    ((asset,),) = metadata(counting, "SELECT id FROM asset WHERE name = 'good_logs'")
    insert = (
        "INSERT INTO asset_dag_run_queue (asset_id, target_dag_id, created_at) VALUES (%s, 'reconcile_logs', {})"
        " ON CONFLICT DO NOTHING"
    )
    with closing(postgres_connection(counting.env)) as connection, connection.cursor() as cursor:
        cursor.execute(insert.format("now() - INTERVAL '1 minute'"), (asset,))
        cursor.execute(insert.format("now()"), (asset,))
        cursor.execute("SELECT created_at = now() FROM asset_dag_run_queue WHERE target_dag_id = 'reconcile_logs'")
        assert cursor.fetchall() == [(True,)]
        connection.rollback()


def test_the_asset_graph_shows_the_way_of_a_log(stack: Stack) -> None:
    (asset,) = metadata(stack, "SELECT id FROM asset WHERE name = 'server-logs'")
    graph = AirflowApi(stack.env)._http.get(f"/ui/dependencies?node_id=asset:{asset[0]}&dependency_type=data")
    found = graph.raise_for_status().json()
    labels = {node["id"]: node["label"] for node in found["nodes"]}
    edges = {(labels[edge["source_id"]], labels[edge["target_id"]]) for edge in found["edges"]}
    way = [
        ("generate_logs.generate", "server-logs"),
        ("server-logs", "classify_logs.stream"),
        ("users_history", "classify_logs.stream"),
        ("classify_logs.stream", "server-logs-status"),
        *(("classify_logs.stream", table) for table in names.TABLES.values()),
        *(("announce_rows.announce", table) for table in names.TABLES.values()),
        ("server-logs-status", "bootstrap.make_index"),
        ("bootstrap.make_index", "server-logs-index"),
        ("users_dimension.changed_the_past", "users_history"),
    ]
    assert set(way) <= edges, json.dumps(sorted(edges), indent=1)


def test_a_year_of_events_fits(counting: Stack) -> None:
    """Of a stack that keeps its runs for a year, in the bound that docs/operations.md gives for all of the metadata."""
    announce(counting)
    with closing(postgres_connection(counting.env)) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE month (LIKE asset_event INCLUDING ALL)")
        cursor.execute(
            "INSERT INTO month SELECT nextval('asset_event_id_seq'), asset_id, extra, source_task_id, source_dag_id,"
            " source_run_id, source_map_index, timestamp, partition_key FROM"
            " (SELECT * FROM asset_event WHERE source_task_id = 'announce' LIMIT 1) AS one, generate_series(1, %s)",
            (30 * EVENTS_A_DAY,),
        )
        cursor.execute("SELECT pg_total_relation_size('pg_temp.month')")
        ((size,),) = cursor.fetchall()
        connection.rollback()
    assert 12 * size < 500e6, f"{size / 30 / EVENTS_A_DAY:.0f} bytes an event"
