"""Starts of a driver: beside a running one it is refused, and before `bootstrap` has run it waits."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from include.driver.submit import class_archive, submit_conf
from include.settings import ROOT
from jobs.database import Database
from jobs.driver import holding, inputs, positions, topic_ids
from tests.integration.stack import Stack, drivers, is_judged, until


def start_manually(stack: Stack, log: Path, *arguments: str) -> "subprocess.Popen[bytes]":
    """Starts a driver manually with spark-submit, in the environment that `./logsieve env` prints."""
    printed = stack.run("env").stdout.splitlines()
    variables = dict(line.removeprefix("export ").split("=", 1) for line in printed)
    conf = [word for item in submit_conf(stack.settings).items() for word in ("--conf", "=".join(item))]
    spark_submit = Path(sys.executable).parent / "spark-submit"
    with log.open("w") as output:
        return subprocess.Popen(
            [str(spark_submit), "--master", "local[2]", *conf, str(ROOT / "jobs" / "stream_logs.py"), *arguments],
            env={**os.environ, **{name: value.strip("'") for name, value in variables.items()}},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )


def test_a_second_driver_started_manually_is_refused_and_the_first_keeps_running(stack: Stack, tmp_path: Path) -> None:
    holder = "SELECT epoch, owner, holder FROM logs.driver_lease WHERE name = 'stream_logs'"
    before = stack.root_sql(holder)
    log = tmp_path / "second.log"
    code = start_manually(stack, log).wait(timeout=120)
    logged = log.read_text()
    assert code == holding.LeaseHeldError.exit_code, logged[-3000:]
    assert "is running (heartbeat" in logged
    assert "--take-over" in logged
    assert stack.root_sql(holder) == before


def test_a_driver_starts_with_the_archive_of_classes(stack: Stack) -> None:
    """Java silently ignores an archive that does not match these jars exactly: a start then takes longer."""
    archive = str(class_archive(stack.settings).resolve())
    (java,) = (driver for driver in drivers(stack) if driver.name() == "java")
    assert archive in {each.path for each in java.memory_maps()}


def test_a_driver_waits_for_the_users_and_names_the_remedy_if_they_are_never_loaded(stack: Stack) -> None:
    database, outside = Database.of(stack.settings), stack.env.outside
    inputs.wait(database, outside, 0)
    kept = stack.root_sql("SELECT ds, accounts, version, loaded_at FROM dim_users.loads")
    stack.root_sql("DELETE FROM dim_users.loads")
    try:
        with pytest.raises(
            inputs.NotProvisionedError, match="a first load of the users dimension; trigger the DAG boot"
        ):
            inputs.wait(database, outside, 0.5)
        waiting = threading.Thread(target=inputs.wait, args=(database, outside, 30))
        waiting.start()
    finally:
        for row in kept:
            stack.root_sql(
                "INSERT INTO dim_users.loads (ds, accounts, version, loaded_at) VALUES (%s, %s, %s, %s)", row
            )
    until(lambda: not waiting.is_alive(), 10, "the driver continues once the users are loaded")


def test_a_recreated_topic_is_refused(stack: Stack) -> None:
    database, outside = Database.of(stack.settings), stack.env.outside
    topic_ids.check(database, outside)
    known = stack.root_sql("SELECT topic, id FROM logs.topic_ids")
    assert {topic for topic, _ in known} == {"server-logs", "server-logs-status"}
    stack.root_sql("UPDATE logs.topic_ids SET id = 'AAAAAAAAAAEAAAAAAAAAAg' WHERE topic = 'server-logs'")
    try:
        with pytest.raises(topic_ids.OtherTopicError, match=r"server-logs was recreated .* --fresh"):
            topic_ids.check(database, outside)
    finally:
        for topic, number in known:
            stack.root_sql("UPDATE logs.topic_ids SET id = %s WHERE topic = %s", (number, topic))
    topic_ids.check(database, outside)


def test_a_driver_starts_after_the_last_log_in_the_sinks(stack: Stack) -> None:
    database, outside = Database.of(stack.settings), stack.env.outside
    assert stack.run("stream", "stop").returncode == 0
    try:
        ends = stack.ends("server-logs-status")
        verdicts = [message for message in stack.messages("server-logs-status") if is_judged(message)]
        last = {message.partition: int(message.key.split(b"-")[1]) for message in verdicts}
        assert positions.of_logs(database, outside) == {number: offset + 1 for number, offset in last.items()}
        loaded = dict(stack.root_sql("SELECT kafka_partition, status_offset + 1 FROM logs.load_progress"))
        assert positions.of_verdicts(database, outside) == {number: loaded[number] for number in ends}

        # As after a loss of messages: the topic ends before the position in the tables.
        stack.root_sql(
            "UPDATE logs.load_progress SET status_offset = status_offset + 1000000 WHERE kafka_partition = 0"
        )
        with pytest.raises(positions.LogsGoneError, match="server-logs-status, partition 0: the next offset is 10"):
            positions.of_verdicts(database, outside)
    finally:
        stack.root_sql(
            "UPDATE logs.load_progress SET status_offset = status_offset - 1000000"
            " WHERE kafka_partition = 0 AND status_offset > 1000000"
        )
        assert stack.run("stream", "start").returncode == 0
