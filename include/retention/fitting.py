"""Which logs do not fit the disk any more: up to where each Kafka partition's have to expire, for tables and index.

Each Kafka partition has the same part of the bound, as in the topics. Rows are measured slice by slice; documents have
no slices, so they count by what one takes on average.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from elasticsearch import Elasticsearch

from include.names import INDEX, LOGS_DATABASE, TABLES
from include.retention import slices
from include.retention.disk_bounds import Bounds
from include.topics.hops import read_loaded_logs

_LITTLE: Final = 2**20
_AHEAD: Final = 8 * 2**20
"""So much larger than its pages MySQL makes a file, once it has more than a little: it told 4.2 MB of one of 12.6."""
_SIZES: Final = (
    f"SELECT PARTITION_DESCRIPTION, SUM(IF(DATA_LENGTH + INDEX_LENGTH > {_LITTLE}, {_AHEAD}, 0) + DATA_LENGTH"  # noqa: S608
    " + INDEX_LENGTH) FROM information_schema.PARTITIONS"
    f" WHERE TABLE_SCHEMA = %s AND TABLE_NAME IN ({', '.join(['%s'] * len(TABLES))})"
    " AND PARTITION_DESCRIPTION IS NOT NULL GROUP BY PARTITION_DESCRIPTION"
)


def marks(cursor: Any, bounds: Bounds, document_bytes: float | None) -> dict[int, int]:
    """By Kafka partition, before which offset logs have to expire; without those of which all fit.

    `document_bytes`: as below; None where the index does not count. Raises mysql.connector.Error.
    """
    loaded = {number: int(end) for number, end in read_loaded_logs(cursor).items()}
    filled = sizes(cursor)
    ends = [slices.read(cursor, table) or {} for table in TABLES.values()]
    found = {}
    for number, end in loaded.items():
        documents = int(bounds.documents / len(loaded) / document_bytes) if document_bytes else end
        first = max(fits_from(filled.get(number, {}), end, bounds.tables // len(loaded)), end - documents)
        shared = set.intersection(*(set(table.get(number, ())) for table in ends))
        if before := cut_at(shared, first, end):
            found[number] = before
    return found


def sizes(cursor: Any) -> dict[int, dict[int, int]]:
    """Bytes of each slice, of the three tables together, by Kafka partition and where the slice ends, as MySQL last
    counted its pages. Without the rests behind the slices. Raises mysql.connector.Error."""
    # Else MySQL tells what it knew a day ago.
    cursor.execute("SET SESSION information_schema_stats_expiry = 0")
    cursor.execute(_SIZES, (LOGS_DATABASE, *TABLES.values()))
    found: dict[int, dict[int, int]] = {}
    for bound, size in cursor.fetchall():
        number, end = (bound.decode() if isinstance(bound, bytes) else bound).replace("'", "").split(",")
        if "MAXVALUE" not in (number, end):
            found.setdefault(int(number), {})[int(end)] = int(size)
    return found


def fits_from(sizes: Mapping[int, int], loaded: int, size: int) -> int:
    """Behind which end of a slice the others fit into `size` bytes; `sizes`: bytes by where a slice ends. 0 for all.

    What is ahead of `loaded`, the first offset without a row, does not count.
    """
    ends = sorted(sizes)
    filled = [end for begin, end in zip([0, *ends], ends, strict=False) if begin < loaded]
    total = 0
    for end in reversed(filled):
        total += sizes[end]
        if total > size:
            return end
    return 0


def cut_at(shared: Iterable[int], first: int, loaded: int) -> int:
    """Up to where logs expire so that none before `first` is left: where a slice ends in all three tables (`shared`),
    but never in what is being filled. 0 for nothing."""
    ends = sorted(end for end in shared if end <= loaded)
    if first <= 0 or not ends:
        return 0
    return next((end for end in ends if end >= first), ends[-1])


def document_bytes(index: Elasticsearch) -> float | None:
    """What a document takes on disk, deleted ones counted as living; None while there is none. Raises what the client
    raises."""
    found = index.indices.stats(index=INDEX, metric="store,docs")["_all"]["primaries"]
    count = found["docs"]["count"] + found["docs"]["deleted"]
    return found["store"]["size_in_bytes"] / count if count else None
