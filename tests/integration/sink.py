"""The three tables as `load` writes them, with verdicts that the test makes: a Kafka partition that there is not."""

import json
from typing import Any

from confluent_kafka import Message

from include import names
from include.topics import marks
from include.watch.totals import Totals
from jobs.database import Database
from jobs.driver import holding
from jobs.loading import foreign, transaction

Row = tuple[Any, ...]
OF_A_PARTITION = (
    names.PROGRESS_TABLE,
    names.EXPIRED_TABLE,
    names.FOREIGN_TABLE,
    names.CORRECTED_TABLE,
    names.COUNTED_TABLE,
)


class Sink:
    """One partition of the three tables, written by load and read by root."""

    def __init__(self, stack: Any, partition: int) -> None:
        self.stack, self.partition = stack, partition
        self.database = Database.of(stack.settings)
        self.lease = holding.take(self.database, f"test-{partition}", "test_load")
        self.status_offset = 0

    def message(self, offset: int, status: str = names.GOOD, **changes: Any) -> dict[str, Any]:
        origin = {"kafka_partition": self.partition, "kafka_offset": offset}
        record = {"event_id": f"e{offset}", "account_id": 684, "event_type": "other", "device": "ANDROID"}
        record |= {"location_country": "FR", "event_timestamp": "2021-04-29T19:28:30Z", "status": status, "reasons": []}
        record |= {"origin": origin, "received_at": "2026-11-23T01:02:03.456Z", "users_version": 3, "revision": 0}
        if status == names.BAD:
            record |= {"raw": None, "raw_size": None}
        return record | changes

    def batch(self, *messages: dict[str, Any] | bytes, mark: tuple[str, bytes] = marks.STREAM) -> foreign.Batch:
        lines = [json.dumps(message).encode() if isinstance(message, dict) else message for message in messages]
        first, self.status_offset = self.status_offset, self.status_offset + len(lines)
        marked = [Message(value=line, offset=offset, headers=[mark]) for offset, line in enumerate(lines, start=first)]
        return foreign.batch(self.partition, marked, self.status_offset)

    def load(self, *batches: foreign.Batch) -> int:
        return sum(transaction.write(self.database, self.lease, batch) for batch in batches)

    def rows(self, status: str, columns: str = "kafka_offset") -> list[Row]:
        query = f"SELECT {columns} FROM logs.{names.TABLES[status]} WHERE kafka_partition = %s ORDER BY kafka_offset"
        return list(self.stack.root_sql(query, (self.partition,)))

    def offsets(self) -> dict[str, list[int]]:
        return {status: [row[0] for row in self.rows(status)] for status in names.STATUSES}

    def totals(self) -> Totals:
        """What load has counted."""
        query = "SELECT totals FROM logs.counted WHERE kafka_partition = %s"
        return Totals.of(self.stack.root_sql(query, (self.partition,))[0][0])

    def progress(self) -> list[Row]:
        query = "SELECT last_offset, status_offset FROM logs.load_progress WHERE kafka_partition = %s"
        return list(self.stack.root_sql(query, (self.partition,)))

    def corrected(self) -> list[Row]:
        """What load has noted of each transaction that replaced rows."""
        columns = "status_offset, first_offset, last_offset, logs, cause, first_received_at, last_received_at"
        query = f"SELECT {columns} FROM logs.corrected WHERE kafka_partition = %s ORDER BY status_offset"
        return list(self.stack.root_sql(query, (self.partition,)))

    def clear(self) -> None:
        """Removes everything of this partition."""
        for table in (*names.TABLES.values(), *OF_A_PARTITION):
            self.stack.root_sql(f"DELETE FROM logs.{table} WHERE kafka_partition = %s", (self.partition,))
        self.stack.root_sql("DELETE FROM logs.driver_lease WHERE name = %s", (self.lease.name,))
