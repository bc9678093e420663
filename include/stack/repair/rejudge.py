"""Runs the job that judges logs again (jobs/rejudge_logs.py), and waits until its corrections are in MySQL."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path

import mysql.connector
from confluent_kafka import KafkaException

from include.driver.rejudgement import Report
from include.driver.submit import submit_conf
from include.names import BAD, BAD_REASONS, LOGS_DATABASE, TABLES
from include.settings import ROOT
from include.stack.environment import Environment
from include.stack.errors import StackError
from include.stack.fetch import judge_jar
from include.stack.run.status import kafka_consumer
from include.stack.servers.probes import mysql_connection
from include.topics import catch_up

_JOB = "rejudge_logs"

Origins = Mapping[int, Sequence[tuple[int, int]]]
"""Runs of offsets by partition: first and last of each."""


def run(
    env: Environment,
    *,
    origins: Origins | None = None,
    reason: str | None = None,
    accounts: Sequence[int] = (),
    begin: datetime | None = None,
    end: datetime | None = None,
    dry_run: bool = False,
    say: Callable[[str], None] = lambda text: None,
) -> Report:
    """Judges again the logs of these origins; or the stored bad ones with the reason received in [begin, end), UTC; or,
    given neither, the others that happened in [begin, end), of these accounts or of all.

    Of origins every verdict is sent again, otherwise only those that differ. Raises StackError, with the job's last
    error, or when the corrections are not loaded in time.
    """
    with tempfile.TemporaryDirectory(prefix="logsieve-rejudge-") as folder:
        report, file = Path(folder) / "report.json", Path(folder) / "origins.json"
        if origins is not None:
            file.write_text(json.dumps(origins))
            chosen = ["--origins", str(file)]
        else:
            times = {"--from": begin, "--to": end}
            chosen = ["--reason", reason] if reason else ["--events", *(f"--account={each}" for each in accounts)]
            chosen += [f"{name}={at.isoformat()}" for name, at in times.items() if at]
        say("Judging again …")
        _submit(env, [*chosen, "--report", str(report), *(["--dry-run"] if dry_run else [])])
        found = Report.from_json(report.read_text())
    if found.sent:
        say(f"Waiting until {found.sent:,} verdicts are loaded …")
        wait_until_loaded(env)
    return found


def check_reason(env: Environment, reason: str) -> None:
    """Raises StackError, naming those that are stored, when no rule has this reason and no bad log had it."""
    words = "JSON_TABLE(reasons, '$[*]' COLUMNS (word VARCHAR(64) PATH '$')) AS words"
    try:
        with closing(mysql_connection(env)) as connection, closing(connection.cursor()) as cursor:
            cursor.execute(f"SELECT DISTINCT word FROM {LOGS_DATABASE}.{TABLES[BAD]}, {words} ORDER BY word")  # noqa: S608
            stored = [str(word) for (word,) in cursor.fetchall()]
    except mysql.connector.Error as error:
        raise StackError(f"MySQL does not answer: {error.msg}", "./logsieve status") from error
    if reason not in (*BAD_REASONS, *stored):
        raise StackError(f"No log is bad for the reason {reason!r}.", f"Stored: {', '.join(stored) or 'none'}.")


def _submit(env: Environment, arguments: list[str]) -> None:
    judge_jar.ensure(env.settings)  # the rules may have changed since `up`
    conf = [word for name, value in submit_conf(env.settings, _JOB).items() for word in ("--conf", f"{name}={value}")]
    spark_submit = str(Path(sys.executable).parent / "spark-submit")
    log = env.state / "logs" / f"{_JOB}.log"
    with log.open("w") as output:
        done = subprocess.run(
            [spark_submit, "--master", "local[2]", *conf, str(ROOT / "jobs" / f"{_JOB}.py"), *arguments],
            env=env.whole(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    if done.returncode:
        lines = log.read_text(errors="replace").splitlines()
        errors = [line.split("ERROR logsieve: ", 1)[1] for line in lines if "ERROR logsieve: " in line]
        raise StackError(
            f"The logs were not judged again: {(errors or lines or ['no output'])[-1]}", f"./logsieve logs {_JOB}"
        )


def wait_until_loaded(env: Environment) -> None:
    """Returns when all that is in the status topic now is in MySQL. Raises StackError."""
    try:
        with (
            kafka_consumer(env) as consumer,
            closing(mysql_connection(env)) as connection,
            closing(connection.cursor()) as cursor,
        ):
            cursor.execute("SET autocommit = 1")
            catch_up.wait(consumer, cursor)
    except catch_up.NotLoadedInTimeError as error:
        raise StackError(f"The verdicts are sent, but: {error}.", "./logsieve status") from error
    except (KafkaException, mysql.connector.Error) as error:
        raise StackError(
            f"The verdicts are sent, but whether they are loaded is not known: {error}", "./logsieve status"
        ) from error
