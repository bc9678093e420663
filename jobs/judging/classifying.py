"""The running classify: where its query starts, and what makes it restart."""

import itertools
import shutil
from typing import Final

from pyspark.sql import SparkSession
from pyspark.sql.streaming.query import StreamingQuery

from include.clients.outside import Outside
from include.settings import Settings, Trigger
from include.watch.troubles import Troubles
from jobs import sources
from jobs.database import Database
from jobs.driver import queries, slots, topic_ids
from jobs.ends import QueryFailedError, Stop
from jobs.judging import beginning, classify
from jobs.judging.users import Users

_EXECUTOR_LOST: Final = "ExecutorLostFailure"
"""In Spark's text of the error."""


class Classifying:
    """Starts the query for `queries.run`, each time after the last verdict and with the users of that moment.

    `epoch`: of the lease; it names the checkpoints, which only Spark needs, and only while it runs.
    """

    name = classify.QUERY

    def __init__(
        self,
        spark: SparkSession,
        settings: Settings,
        outside: Outside,
        trigger: Trigger,
        database: Database,
        users: Users,
        epoch: int,
        stop: Stop,
        troubles: Troubles,
    ) -> None:
        self._spark, self._settings, self._trigger = spark, settings, trigger
        self._outside, self._database = outside, database
        self._users, self._users_version = users, users.version
        self._stop, self._troubles = stop, troubles
        self._has_begun = False
        shutil.rmtree(settings.checkpoints, ignore_errors=True)
        self._checkpoints = (settings.checkpoints / f"{epoch}-{number}" for number in itertools.count())

    def begin(self) -> StreamingQuery:
        """The running query. Raises EndError, KafkaException, and errors of MySQL and Spark."""
        self._users_version = self._users.version
        # Checked at each start: the topic may have been recreated since the last one.
        topic_ids.check(self._database, self._outside)
        if not self.settle():
            raise QueryFailedError("Kafka has not accepted all verdicts of the last query: see ./logsieve status")
        self._has_begun = True
        slots.wait(self._spark, self._stop.pause)  # another executor may be starting for one that died
        first, poll_records = beginning.begin(self._spark, self._outside, self._database, self._users, self._stop)
        fetch, _ = classify.waits(self._settings, self._trigger)
        logs = sources.logs(self._spark, self._outside, self._trigger, first, poll_records, fetch)
        query = classify.start(logs, self._users.frame, self._settings, self._trigger, next(self._checkpoints))
        self._troubles.clear(self.name)
        return query

    def judging(self) -> StreamingQuery | None:
        """The query that judges with the current users, if there is one."""
        active = (query for query in self._spark.streams.active if query.name == self.name)
        return next((query for query in active if not self.is_outdated(query)), None)

    def is_outdated(self, query: queries.Query) -> bool:
        """Whether it judges with old users: a batch keeps those it began with, and in real-time mode lasts minutes."""
        return self._trigger == "realtime" and query.name == self.name and self._users_version != self._users.version

    def can_skip_failure(self, query: queries.Query) -> bool:
        """Whether the next start gets past what this query failed at: an executor that died, an unreadable log."""
        if query.name != self.name or not self.settle():
            return False
        if _EXECUTOR_LOST in str(query.exception()):
            return True
        return beginning.can_skip_failure(self._spark, self._outside, self._database)

    def settle(self) -> bool:
        """See `classify.settle`; before the first query, there is no producer to close."""
        # On a busy cluster, the first job of new executors takes longer than the limit: no driver would ever begin.
        return not self._has_begun or classify.settle(self._spark)
