"""The users history as a driver holds it: read once, kept in memory, and read anew when its version changes.

A query is planned anew for each batch, and then takes what is kept. So a change reaches the next batch, and a batch
reads nothing from MySQL. As a batch of real-time mode lasts for minutes, its query is begun anew (jobs/stream_logs.py).

All periods of an account are one text, as each batch makes a hash table of them and holds it beside the last one's:
a row a period takes three times the memory. It has an entry for each day on which the device changes, seven digits of
days since 1970 and the device, "" where the account was closed; "\\0" between entries, "0000000IOS\\00020485ANDROID".
"""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Final

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.streaming.query import StreamingQuery

from include import names
from include.settings import Settings
from include.watch import mysql_trouble
from include.watch.troubles import Trouble, TroubleError, Troubles
from jobs import sources
from jobs.database import Database, number
from jobs.ends import EndError, QueryFailedError

SCHEMA: Final = "account_no int, periods string, users_version int"

_HISTORY: Final = f"{names.USERS_DATABASE}.{names.HISTORY_TABLE}"
VERSION: Final = f"SELECT version FROM {names.USERS_DATABASE}.{names.VERSION_TABLE}"  # noqa: S608
_DAY: Final = "LPAD(DATEDIFF({}, '1970-01-01'), 7, '0')"
# Where a period begins on the day that the last one ended, there are two entries of that day: the later one counts.
_ENTRIES: Final = (
    f"CONCAT({_DAY.format('valid_from')}, user_device,"
    f" IF(valid_to IS NULL, '', CONCAT('\\0', {_DAY.format('valid_to')})))"
)
_PERIODS: Final = (
    f"SELECT account_no, GROUP_CONCAT({_ENTRIES} ORDER BY valid_from SEPARATOR '\\0') AS periods,"  # noqa: S608
    # In the same statement: a version that is not of these rows would be a lie.
    f" ({VERSION}) AS users_version FROM {_HISTORY} GROUP BY account_no"
)
_ROWS_AT_ONCE: Final = 10_000
_LOOK_SECONDS: Final = 1
_STOP_SECONDS: Final = 5
_BATCH_SECONDS: Final = 0.3

_log = logging.getLogger("logsieve.users")


def read(spark: SparkSession, settings: Settings) -> DataFrame:
    """The history as MySQL has it now, a row an account, columns of SCHEMA; users_version is the same in all rows."""
    # One partition, and known to be one: what is asked of all rows takes no second stage.
    found = sources.rows(spark, settings, _PERIODS, _ROWS_AT_ONCE).coalesce(1)
    return found.withColumn("users_version", F.col("users_version").cast("int"))


class Users:
    """`frame`: see `read`, kept in memory; `version`: of what is kept.

    Raises Spark's errors of JDBC, mysql.connector.Error and TroubleError.
    """

    def __init__(self, spark: SparkSession, settings: Settings) -> None:
        _check_readable(Database.of(settings))
        self.frame = read(spark, settings)
        self.version = self._keep()

    def follow(self, database: Database) -> None:
        """Reads anew what MySQL has now, if another version. A batch that begins meanwhile reads it by itself."""
        if _in_mysql(database) != self.version:
            _check_readable(database)
            self.frame.unpersist()
            self.version = self._keep()

    def _keep(self) -> int:
        self.frame.persist()
        (row,) = self.frame.agg(F.max("users_version"), F.count("*")).collect()
        _log.info("version %s of the users history, %d accounts", *row)
        return int(row[0])


@contextmanager
def watched(
    users: Users,
    database: Database,
    query: Callable[[], StreamingQuery | None],
    on_version: Callable[[int], None],
    on_error: Callable[[EndError], None],
    troubles: Troubles,
) -> Iterator[None]:
    """Renews the users, by a thread, whenever MySQL has another version.

    `query` gives the one that judges, if it runs and is not to begin anew. `on_version` is called with the version that
    all verdicts from then on are judged with: first with the present one, later when the last batch that began before a
    renewal has ended. While MySQL keeps them back the last ones count, and the `troubles` are told.
    """
    ended = threading.Event()

    def watch() -> None:
        told = None
        while not ended.is_set():
            try:
                users.follow(database)
                if told != users.version and _wait_for_a_new_batch(query, ended):
                    on_version(users.version)
                    told = users.version
            except Exception as error:  # noqa: BLE001  # MySQL's own in Python, Spark's from JDBC
                trouble = mysql_trouble.of(error)
                if trouble is None:
                    on_error(QueryFailedError(f"the users history could not be read anew: {error}"))
                    return
                troubles.report("users", trouble)
            else:
                troubles.clear("users")
            ended.wait(_LOOK_SECONDS)

    thread = threading.Thread(target=watch, name="users", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        # MySQL may hold it for as long as it likes.
        thread.join(_STOP_SECONDS)


def _in_mysql(database: Database) -> int | None:
    with database.session() as connection, closing(connection.cursor()) as cursor:
        return number(cursor, VERSION)


def _check_readable(database: Database) -> None:
    """Before what is kept is thrown away: raises mysql.connector.Error, or TroubleError where all accounts are gone."""
    with database.session() as connection, closing(connection.cursor()) as cursor:
        cursor.execute(f"SELECT account_no, user_device, valid_from, valid_to FROM {_HISTORY} LIMIT 1")  # noqa: S608
        if cursor.fetchone() is None:
            # Judged by it, every log would be suspicious.
            again = "./logsieve airflow dags trigger users_dimension loads it, or bring back a backup"
            raise TroubleError(Trouble(f"{_HISTORY} is empty", again))


def _wait_for_a_new_batch(query: Callable[[], StreamingQuery | None], ended: threading.Event) -> bool:
    """Until no batch runs that was planned before now; False where the driver ends first."""
    first = query()
    before = first and _last_batch(first)
    while not ended.wait(_BATCH_SECONDS):
        now = query()
        if now is None:  # it begins anew, and what was judged before may still be on its way to Kafka
            continue
        # Between two batches, the next one is not planned yet.
        is_between = not now.status["isTriggerActive"]
        if first is None or now.runId != first.runId or is_between or _last_batch(now) != before:
            return True
    return False


def _last_batch(query: StreamingQuery) -> int:
    progress = query.lastProgress
    return -1 if progress is None else progress["batchId"]
