"""The newest logs that pass the filters, page by page, from MySQL: the fallback while Elasticsearch is unreachable."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from include import names
from include.contract.model import Contract
from include.contract.tables import quoted
from include.page import values
from include.page.filters import Filters, text
from include.page.listing import RAW_BYTES, Place, beginning

MILLISECONDS: Final = 2500
"""How long MySQL may take for one statement; it aborts the statement itself."""
_COLUMNS: Final = "kafka_partition, kafka_offset, received_at, CAST(status AS CHAR) AS status, reasons"


def read(
    cursor: Any, contract: Contract, filters: Filters, word: str, size: int, before: Place | None
) -> list[dict[str, Any]]:
    """Up to size + 1 logs in the form of listing.read; `cursor` must return dictionaries.

    Of the filters only range and status apply; a word must be an origin. Raises mysql.connector.Error.
    """
    origin = names.origin_of(word.encode())
    columns = ", ".join((_COLUMNS, *map(quoted, contract.names)))
    found = []
    for status in names.STATUSES if origin else filters.wanted:
        raw = f", LEFT(raw, {RAW_BYTES}) AS raw, raw_size" if status == names.BAD else ""
        where, given = _origin_is(origin) if origin else _range(filters, before)
        cursor.execute(
            f"SELECT /*+ MAX_EXECUTION_TIME({MILLISECONDS}) */ {columns}{raw}"
            f" FROM {names.LOGS_DATABASE}.{names.TABLES[status]} WHERE {where}"
            f" ORDER BY received_at DESC, kafka_partition DESC, kafka_offset DESC LIMIT {size + 1:d}",
            given,
        )
        found += cursor.fetchall()
    found.sort(key=lambda each: (each["received_at"], each["kafka_partition"], each["kafka_offset"]), reverse=True)
    return [row(contract, each) for each in found[: size + 1]]


def _origin_is(origin: tuple[int, int]) -> tuple[str, tuple[Any, ...]]:
    return "kafka_partition = %s AND kafka_offset = %s", origin


def _range(filters: Filters, before: Place | None) -> tuple[str, tuple[Any, ...]]:
    where, given = "received_at >= %s AND received_at < %s", (_sql(filters.begin), _sql(filters.end))
    if before is None:
        return where, given
    at = _sql(datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=before.received_at))
    where += " AND received_at <= %s AND (received_at < %s OR (kafka_partition, kafka_offset) < (%s, %s))"
    return where, (*given, at, at, before.partition, before.offset)


def _sql(time: datetime) -> datetime:
    return time.astimezone(UTC).replace(tzinfo=None)


def row(contract: Contract, each: dict[str, Any]) -> dict[str, Any]:
    """One log of the list, in the form of listing.row. Pure."""
    raw = each.get("raw")
    return {
        "origin": names.origin_key(each["kafka_partition"], each["kafka_offset"]),
        "received_at": text(each["received_at"].replace(tzinfo=UTC)),
        **{field.name: values.of_row(field, each[field.name]) for field in contract.fields},
        "status": each["status"],
        "reasons": json.loads(each["reasons"]),
        "raw": None if raw is None else beginning(bytes(raw)),
        "raw_size": each.get("raw_size"),
    }
