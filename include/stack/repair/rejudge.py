"""Runs the job that judges logs again (jobs/rejudge_logs.py) and waits until its corrections are loaded."""

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

from include.contract import reading, reasons
from include.driver.rejudgement import Report, arguments
from include.driver.submit import beside, submit_conf, variables
from include.names import BAD, INDEXER_GROUP, LOGS_DATABASE, REJUDGE, TABLES
from include.settings import ROOT
from include.stack.errors import StackError
from include.stack.fetch import judge_jar
from include.stack.own_servers import Servers
from include.topics import catch_up
from include.users.shape import Shape

Origins = Mapping[int, Sequence[tuple[int, int]]]
"""Ranges of offsets by partition, each as first and last (inclusive)."""


def run(
    env: Servers,
    *,
    origins: Origins | None = None,
    reason: str | None = None,
    accounts: Sequence[str] = (),
    begin: datetime | None = None,
    end: datetime | None = None,
    dry_run: bool = False,
    on_step: Callable[[str], None] = lambda text: None,
) -> Report:
    """Judges a selection of logs again, waits until the corrections are loaded, and returns the job's report.

    The selection is either `origins`; or the stored bad logs with `reason` that were received in [begin, end); or else
    the good and suspicious logs with events in [begin, end), optionally only of `accounts`. Times are in UTC.

    For `origins` every verdict is sent again, otherwise only verdicts that change. Raises StackError for an account
    that there cannot be, with the job's last error, or if the corrections are not loaded in time.
    """
    _check_accounts(accounts)
    with tempfile.TemporaryDirectory(prefix="logsieve-rejudge-") as folder:
        report, file = Path(folder) / "report.json", Path(folder) / "origins.json"
        if origins is not None:
            file.write_text(json.dumps(origins))
        given = arguments(
            origins=file if origins is not None else None,
            reason=reason,
            accounts=accounts,
            begin=begin.isoformat() if begin else None,
            end=end.isoformat() if end else None,
            dry_run=dry_run,
        )
        on_step("Judging again …")
        _submit(env, [*given, f"--report={report}"])
        found = Report.from_json(report.read_text())
    if found.sent:
        on_step(f"Waiting until {found.sent:,} verdicts are loaded …")
        wait_until_loaded(env)
    return found


def _check_accounts(accounts: Sequence[str]) -> None:
    if accounts and (shape := Shape.of(reading.current())) is not None:
        try:
            _ = [shape.account(each) for each in accounts]
        except ValueError as error:
            raise StackError(f"{error}.", "See ./logsieve contract show") from None


def check_reason(env: Servers, reason: str) -> None:
    """Raises StackError, listing the stored reasons, if neither a rule nor a stored bad log has this reason."""
    words = f"JSON_TABLE(reasons, '$[*]' COLUMNS (word VARCHAR({reasons.MOST_CHARACTERS}) PATH '$')) AS words"
    try:
        with closing(env.outside.mysql()) as connection, closing(connection.cursor()) as cursor:
            cursor.execute(f"SELECT DISTINCT word FROM {LOGS_DATABASE}.{TABLES[BAD]}, {words} ORDER BY word")
            stored = [str(word) for (word,) in cursor.fetchall()]
    except mysql.connector.Error as error:
        raise StackError(f"MySQL does not answer: {error.msg}", "Check ./logsieve status") from error
    if reason not in (*reasons.of_bad_logs(reading.current()), *stored):
        raise StackError(
            f"No log is bad for the reason {reason!r}.", f"Use a stored reason: {', '.join(stored) or 'none'}."
        )


def _submit(env: Servers, arguments: list[str]) -> None:
    judge_jar.fetch_and_ensure(env.settings)  # the rules may have changed since `up`
    master = beside(env.spark_master, env.settings.topic_partitions)
    found = submit_conf(env.settings, REJUDGE, master)
    conf = [word for name, value in found.items() for word in ("--conf", f"{name}={value}")]
    spark_submit = str(Path(sys.executable).parent / "spark-submit")
    log = env.state / "logs" / f"{REJUDGE}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as output:
        done = subprocess.run(
            [spark_submit, "--master", master, *conf, str(ROOT / "jobs" / f"{REJUDGE}.py"), *arguments],
            env=variables(env.settings, env.judging(), master),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    if done.returncode:
        lines = log.read_text(errors="replace").splitlines()
        errors = [line.split("ERROR logsieve: ", 1)[1] for line in lines if "ERROR logsieve: " in line]
        raise StackError(f"The logs were not judged again: {(errors or lines or ['no output'])[-1]}", f"See {log}")


def wait_until_loaded(env: Servers) -> None:
    """Waits until everything that is now in the status topic is in MySQL. Raises StackError."""
    try:
        with (
            env.outside.looking(INDEXER_GROUP) as consumer,
            closing(env.outside.mysql(autocommit=True)) as connection,
            closing(connection.cursor()) as cursor,
        ):
            catch_up.wait(consumer, cursor)
    except catch_up.NotLoadedInTimeError as error:
        raise StackError(f"The verdicts were sent, but: {error}.", "Check ./logsieve status") from error
    except (KafkaException, mysql.connector.Error) as error:
        raise StackError(
            f"The verdicts were sent, but it is unknown whether they are loaded: {error}", "Check ./logsieve status"
        ) from error
