"""The users history in a driver: read once, kept in memory, and reloaded when its version changes.

A query is planned again for each batch, with the users in memory at that time. So a change takes effect in the next
batch, and a batch reads nothing from MySQL. A batch of real-time mode lasts for minutes, so its query is restarted
(jobs/stream_logs.py).

All periods of an account are one text, because each batch builds a hash table of them while the last one's still
exists: a row per period takes three times the memory. The text has an entry for each day on which the device changes:
the days since 1970 in seven digits, then the device, "" if the account was closed. "\\0" separates the entries:
"0000000IOS\\00020485ANDROID". Several attributes, such as device and country, are separated by "\\1".
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
from include.contract import reading
from include.contract.model import Dimension
from include.contract.tables import quoted
from include.settings import Settings
from include.users.shape import BETWEEN
from include.watch import mysql_trouble
from include.watch.troubles import Trouble, TroubleError, Troubles
from jobs import sources
from jobs.database import Database, number
from jobs.ends import EndError, QueryFailedError

_HISTORY: Final = f"{names.USERS_DATABASE}.{names.HISTORY_TABLE}"
VERSION: Final = f"SELECT version FROM {names.USERS_DATABASE}.{names.VERSION_TABLE}"
_DAY: Final = "LPAD(DATEDIFF({}, '1970-01-01'), 7, '0')"
_KEYS: Final = {"int32": "int", "int64": "bigint", "text": "string"}
_ROWS_AT_ONCE: Final = 10_000
_LOOK_SECONDS: Final = 1
_STOP_SECONDS: Final = 5
_BATCH_SECONDS: Final = 0.3

_log = logging.getLogger("logsieve.users")


def schema() -> str:
    """The columns of `read`. Without a dimension there are no rows, and the key is of any type."""
    contract = reading.current()
    key = contract.by_name[contract.dimension.key].type if contract.dimension else "int32"
    return f"user_key {_KEYS[key]}, periods string, users_version int"


def read(spark: SparkSession, settings: Settings) -> DataFrame:
    """The current history in MySQL, a row per key, columns of `schema`; users_version is the same in all rows."""
    dimension = reading.current().dimension
    if dimension is None:
        return spark.createDataFrame([], schema())
    # One partition, which Spark's planner can see: an aggregate over all rows needs no second stage.
    found = sources.rows(spark, settings, _periods(dimension), _ROWS_AT_ONCE).coalesce(1)
    return found.withColumn("users_version", F.col("users_version").cast("int"))


def _periods(dimension: Dimension) -> str:
    key = quoted(dimension.column)
    attributes = f", '{BETWEEN}', ".join(quoted(each.column) for each in dimension.attributes)
    # If a period begins on the day that the last one ended, that day has two entries: the later one counts.
    entries = (
        f"CONCAT({_DAY.format('valid_from')}, {attributes},"
        f" IF(valid_to IS NULL, '', CONCAT('\\0', {_DAY.format('valid_to')})))"
    )
    return (
        f"SELECT {key} AS user_key, GROUP_CONCAT({entries} ORDER BY valid_from SEPARATOR '\\0') AS periods,"
        # In the same statement, so that the version is the one of these rows.
        f" ({VERSION}) AS users_version FROM {_HISTORY} GROUP BY {key}"
    )


class Users:
    """The users in memory. `frame`: see `read`; `version`: the version of that frame.

    Raises Spark's JDBC errors, mysql.connector.Error and TroubleError.
    """

    def __init__(self, spark: SparkSession, settings: Settings) -> None:
        self._is_there = reading.current().dimension is not None
        if self._is_there:
            _check_readable(Database.of(settings))
        self.frame = read(spark, settings)
        self.version = self._keep() if self._is_there else 0

    def follow(self, database: Database) -> None:
        """Reloads the users if MySQL has another version. A batch that begins meanwhile reads them from MySQL."""
        if self._is_there and _in_mysql(database) != self.version:
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
    """Reloads the users, from a thread, whenever MySQL has another version.

    `query` returns the judging query, if it runs and is not about to restart. `on_version` is called with the version
    that all verdicts from then on use: first with the current one, later when the last batch that began before a reload
    has ended. While MySQL cannot be read, the last version stays in use and the error is reported to `troubles`.
    """
    ended = threading.Event()

    def watch() -> None:
        reported = None
        while not ended.is_set():
            try:
                users.follow(database)
                if reported != users.version and _wait_for_a_new_batch(query, ended):
                    on_version(users.version)
                    reported = users.version
            except Exception as error:  # noqa: BLE001  # the connector's in Python, Spark's from JDBC
                trouble = mysql_trouble.of(error)
                if trouble is None:
                    on_error(QueryFailedError(f"the users history could not be reloaded: {error}"))
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
        # With a limit: MySQL may block the thread indefinitely.
        thread.join(_STOP_SECONDS)


def _in_mysql(database: Database) -> int | None:
    with database.session() as connection, closing(connection.cursor()) as cursor:
        return number(cursor, VERSION)


def _check_readable(database: Database) -> None:
    """Checks the history before the frame is dropped. Raises mysql.connector.Error, and TroubleError if it is empty."""
    with database.session() as connection, closing(connection.cursor()) as cursor:
        dimension = reading.current().dimension
        columns = [dimension.column, *(each.column for each in dimension.attributes)] if dimension else []
        cursor.execute(f"SELECT {', '.join(map(quoted, columns))}, valid_from, valid_to FROM {_HISTORY} LIMIT 1")
        if cursor.fetchone() is None:
            # Without accounts, every log would be suspicious.
            remedy = "Load it with ./logsieve airflow dags trigger users_dimension, or restore a backup"
            raise TroubleError(Trouble(f"{_HISTORY} is empty", remedy))


def _wait_for_a_new_batch(query: Callable[[], StreamingQuery | None], ended: threading.Event) -> bool:
    """Waits until no batch runs that was planned before this call; returns False if the driver stops first."""
    first = query()
    before = first and _last_batch(first)
    while not ended.wait(_BATCH_SECONDS):
        now = query()
        if now is None:  # it restarts, and earlier verdicts may still be in flight to Kafka
            continue
        # Between two batches the next one is not planned yet, so it will use the new users.
        is_between = not now.status["isTriggerActive"]
        if first is None or now.runId != first.runId or is_between or _last_batch(now) != before:
            return True
    return False


def _last_batch(query: StreamingQuery) -> int:
    progress = query.lastProgress
    return -1 if progress is None else progress["batchId"]
