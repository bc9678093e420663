"""Which logs no longer fit the disk: up to which offset each Kafka partition's logs must expire.

The tables and the index have limits, and each Kafka partition gets an equal part of them, as in the topics. Rows are
measured by slice. Documents have no slices, so they are estimated from the average size of a document.
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
"""How much larger than its pages MySQL makes a file of more than _LITTLE: it reported 4.2 MB for a file of 12.6 MB."""
_SIZES: Final = (
    f"SELECT PARTITION_DESCRIPTION, SUM(IF(DATA_LENGTH + INDEX_LENGTH > {_LITTLE}, {_AHEAD}, 0) + DATA_LENGTH"
    " + INDEX_LENGTH) FROM information_schema.PARTITIONS"
    f" WHERE TABLE_SCHEMA = %s AND TABLE_NAME IN ({', '.join(['%s'] * len(TABLES))})"
    " AND PARTITION_DESCRIPTION IS NOT NULL GROUP BY PARTITION_DESCRIPTION"
)


def marks(cursor: Any, bounds: Bounds, document_bytes: float | None) -> dict[int, int]:
    """Returns, by Kafka partition, the offset before which logs must expire. Partitions that fit are left out.

    `document_bytes`: see the function below; None to ignore the index. Raises mysql.connector.Error.
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
    """Returns the bytes of each slice in the three tables together, by Kafka partition and the slice's end.

    The numbers come from MySQL's statistics; the rest partitions are left out. Raises mysql.connector.Error.
    """
    # By default MySQL returns statistics that can be a day old.
    cursor.execute("SET SESSION information_schema_stats_expiry = 0")
    cursor.execute(_SIZES, (LOGS_DATABASE, *TABLES.values()))
    found: dict[int, dict[int, int]] = {}
    for bound, size in cursor.fetchall():
        number, end = (bound.decode() if isinstance(bound, bytes) else bound).replace("'", "").split(",")
        if "MAXVALUE" not in (number, end):
            found.setdefault(int(number), {})[int(end)] = int(size)
    return found


def fits_from(sizes: Mapping[int, int], loaded: int, size: int) -> int:
    """Returns the slice's end after which the newer slices fit into `size` bytes; 0 if all fit.

    `sizes`: bytes by the end of a slice. Slices that begin at or after `loaded`, the first offset without a row, do not
    count.
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
    """Returns the offset up to which logs expire so that none before `first` is left; 0 if none expires.

    It is an offset at which a slice ends in all three tables (`shared`), never in the slice that is being filled.
    """
    ends = sorted(end for end in shared if end <= loaded)
    if first <= 0 or not ends:
        return 0
    return next((end for end in ends if end >= first), ends[-1])


def document_bytes(index: Elasticsearch) -> float | None:
    """Returns the average size of a document on disk, deleted ones included; None if there is none.

    Client errors propagate.
    """
    found = index.indices.stats(index=INDEX, metric="store,docs")["_all"]["primaries"]
    count = found["docs"]["count"] + found["docs"]["deleted"]
    return found["store"]["size_in_bytes"] / count if count else None
