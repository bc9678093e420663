"""Old logs expire while new ones arrive: the same origins are removed everywhere, and nothing restores them."""

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from kafka import KafkaAdminClient, KafkaProducer
from kafka.admin import ConfigResource, ConfigResourceType

from include.index.template import template
from include.names import INDEXER_GROUP, TABLES
from include.proof.comparison import Clients
from include.proof.reconcile import reconcile
from include.retention import documents, expiry, fitting
from include.retention import slices as cut
from include.retention.disk_bounds import Bounds
from include.retention.slices import FAR, NEAR
from include.stack.servers.probes import postgres_connection
from include.topics import hops
from tests.integration.stack import Moment, Stack, check, until, wait_until_it_loads
from tests.integration.test_envelopes import send_at, without_the_first_wall
from tests.integration.test_why import why

PARTITIONS = (0, 1)
"""Other tests may have added more, in which no log expires here."""
OLD_DAYS = 40
Ends = dict[int, int]
"""An offset of each of PARTITIONS."""


def loaded(stack: Stack, more: int = 200) -> Ends:
    """The present ends of server-logs, once as many `more` logs as that are loaded after them."""
    wait_until_it_loads(stack)
    every = stack.ends("server-logs")
    ends = {number: end for number, end in every.items() if number in PARTITIONS}
    stack.generate(2 * more * len(every))
    query = "SELECT COUNT(*) FROM logs.load_progress WHERE kafka_partition = %s AND last_offset > %s"
    for number, end in ends.items():
        until(lambda number=number, end=end: stack.root_sql(query, (number, end + more)), 60, "more logs are loaded")
    return ends


def cut_at(stack: Stack, table: str, *cuts: Ends) -> None:
    """Simulates a stack with small slices: ends one at each of these ascending offsets."""
    for number in PARTITIONS:
        ends = [cut[number] for cut in cuts]
        whole = next(end for end in slices(stack, table)[number] if end > ends[-1])
        parts = ", ".join(f"PARTITION p{number}_{at} VALUES LESS THAN ({number}, {at})" for at in [*ends, whole])
        stack.root_sql(f"ALTER TABLE logs.{table} REORGANIZE PARTITION p{number}_{whole} INTO ({parts})")


def cut_otherwise(stack: Stack, table: str) -> None:
    """Simulates a run that was killed between two tables: ahead of the logs, one slice has another end."""
    *_, end, last = slices(stack, table)[0]
    parts = ", ".join(f"PARTITION p0_{at} VALUES LESS THAN (0, {at})" for at in (end + 7, last))
    stack.root_sql(f"ALTER TABLE logs.{table} REORGANIZE PARTITION p0_{end}, p0_{last} INTO ({parts})")


def slices(stack: Stack, table: str) -> dict[int, list[int]]:
    """The ends of each partition's slices, from MySQL."""
    found: dict[int, list[int]] = {}
    query = "SELECT PARTITION_DESCRIPTION FROM information_schema.PARTITIONS WHERE TABLE_SCHEMA = 'logs'"
    for (bound,) in stack.root_sql(query + " AND TABLE_NAME = %s ORDER BY PARTITION_ORDINAL_POSITION", (table,)):
        number, end = bound.split(",")
        if end != "MAXVALUE":
            found.setdefault(int(number), []).append(int(end))
    return found


def note_arrival(stack: Stack, days: int, ends: Ends) -> None:
    for number, end in ends.items():
        stack.root_sql(
            "INSERT INTO logs.arrived (kafka_partition, arrived_at, end_offset)"
            " VALUES (%s, UTC_TIMESTAMP(3) - INTERVAL %s DAY, %s)",
            (number, days, end),
        )


def expired(stack: Stack) -> Ends:
    return dict(stack.root_sql("SELECT kafka_partition, before_offset FROM logs.expired"))


def rows_before(stack: Stack, ends: Ends) -> int:
    where = " OR ".join(f"kafka_partition = {number} AND kafka_offset < {end}" for number, end in ends.items())
    return sum(stack.root_sql(f"SELECT COUNT(*) FROM logs.{table} WHERE {where}")[0][0] for table in TABLES.values())


def documents_before(stack: Stack, ends: Ends, index: str = "server-logs") -> int:
    """The documents as readers see them, or as an index holds them."""
    of = [
        {
            "bool": {
                "filter": [
                    {"term": {"origin.kafka_partition": number}},
                    {"range": {"origin.kafka_offset": {"lt": end}}},
                ]
            }
        }
        for number, end in ends.items()
    ]
    stack.search(f"{index}/_refresh", method="POST")
    return stack.search(f"{index}/_count", {"query": {"bool": {"should": of, "minimum_should_match": 1}}})["count"]


def expire(stack: Stack) -> tuple[bool, str]:
    """Runs the DAG manually; returns whether it succeeded, and its output."""
    done = stack.run("airflow", "dags", "test", "expire_logs", seconds=120)
    printed = done.stdout + done.stderr
    return done.returncode == 0 and "state=success" in printed, printed[-6000:]


def send_correction(stack: Stack, partition: int, offset: int) -> int:
    """Sends a correction of a log's verdict, as a rejudgement does; returns its offset in the status topic."""
    record = {"event_id": "again", "account_id": 684, "event_type": "other", "device": "IOS", "location_country": "FR"}
    record |= {"event_timestamp": "2021-04-29T19:28:30Z", "status": "suspicious", "reasons": ["unexpected_device"]}
    record |= {"origin": {"kafka_partition": partition, "kafka_offset": offset}}
    received_at = f"{datetime.now(UTC):%Y-%m-%d}T01:02:03.456Z"
    return send_verdict(stack, record | {"received_at": received_at, "users_version": 1, "revision": 1})


def send_verdict(stack: Stack, record: dict[str, Any]) -> int:
    """Sends the record as a correction; returns its offset in the status topic."""
    partition, offset = record["origin"]["kafka_partition"], record["origin"]["kafka_offset"]
    value = json.dumps(record, separators=(",", ":")).encode()
    with closing(KafkaProducer(**stack.kafka)) as producer:
        sent = producer.send(
            "server-logs-status",
            value,
            f"{partition}-{offset}".encode(),
            headers=[("rejudged", b"test")],
            partition=partition,
        ).get(timeout=30)
    return sent.offset


def correct(stack: Stack, partition: int, offset: int) -> None:
    """Sends a correction, like a run that was in progress when the log expired, and waits until it is processed."""
    until_processed(stack, partition, send_correction(stack, partition, offset))


def until_processed(stack: Stack, partition: int, sent: int) -> None:
    """Waits until load and the indexer have processed the status message at the offset `sent`."""
    query = "SELECT status_offset FROM logs.load_progress WHERE kafka_partition = %s"
    until(lambda: stack.root_sql(query, (partition,))[0][0] >= sent, 60, "load has processed the correction")
    with stack.env.outside.looking(INDEXER_GROUP) as consumer:
        until(lambda: hops.indexed(consumer, [partition])[partition] > sent, 60, "the indexer has processed it")


def pause(stack: Stack, paused: bool) -> None:
    with closing(postgres_connection(stack.env)) as connection, connection, connection.cursor() as cursor:
        cursor.execute("UPDATE dag SET is_paused = %s WHERE dag_id = 'expire_logs'", (paused,))


@pytest.fixture(scope="module")
def old(stack: Stack) -> Iterator[Stack]:
    """A stack in which logs expire only in these tests."""
    pause(stack, True)
    loaded(stack)
    yield stack
    pause(stack, False)


@pytest.fixture(scope="module")
def moment(old: Stack) -> Moment:
    """The moment before anything expires: earlier tests have sent some verdicts twice, on purpose."""
    return old.now()


@pytest.fixture(scope="module")
def before(old: Stack, moment: Moment) -> Ends:
    """The offsets before which the logs of two slices have expired, after a run that failed halfway."""
    ends = loaded(old)
    first, later = ({number: end + more for number, end in ends.items()} for more in (-150, 100))
    for table in TABLES.values():
        cut_at(old, table, first, ends, later)
    cut_otherwise(old, "suspicious_logs")
    check_whole(old)
    # One more slice was loaded in part by then, and another one too recently.
    note_arrival(old, OLD_DAYS, {number: end + 50 for number, end in ends.items()})
    note_arrival(old, 20, later)
    assert rows_before(old, ends) >= documents_before(old, ends) >= 150 * len(ends)

    # The index refuses deletes: the run fails after it has removed the rows.
    old.search("_cluster/settings", {"persistent": {"cluster.blocks.read_only": True}}, "PUT")
    try:
        green, printed = expire(old)
        assert not green, printed
    finally:
        old.search("_cluster/settings", {"persistent": {"cluster.blocks.read_only": None}}, "PUT")
    assert expired(old) == ends
    assert rows_before(old, ends) == 0
    half = old.run("reconcile")
    assert half.returncode == 0, half.stdout + half.stderr
    left = documents_before(old, {0: ends[0]})
    assert f"{left:,} of their rows and documents are left for expire_logs" in half.stdout
    assert "the next run of expire_logs removes it" in why(old, (0, ends[0] - 5))["hops"]["Elasticsearch"]

    green, printed = expire(old)
    assert green, printed
    assert documents_before(old, ends) == 0
    for table in TABLES.values():
        assert {number: slices(old, table)[number][0] for number in PARTITIONS} == later
        assert slices(old, table) == slices(old, "good_logs"), "later logs also expire in all three"
    return ends


def test_bootstrap_cut_slices_ahead_and_a_day_without_old_logs_changes_nothing(old: Stack) -> None:
    before, gone = {table: slices(old, table) for table in TABLES.values()}, expired(old)
    for found in before.values():
        assert set(found) >= set(PARTITIONS)
        assert min(map(len, found.values())) >= NEAR + FAR
    green, printed = expire(old)
    assert green, printed
    assert {table: slices(old, table) for table in TABLES.values()} == before
    assert expired(old) == gone
    assert old.root_sql("SELECT COUNT(*) FROM logs.arrived")[0][0] >= len(PARTITIONS), "from now on their age is known"
    with closing(KafkaAdminClient(**old.kafka)) as admin:
        for topic, bound in (("server-logs", 0.24), ("server-logs-status", 0.33)):
            found = admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])["topic"][topic]
            each = sum(int(found[name]["value"]) for name in ("retention.bytes", "segment.bytes"))
            at_most = len(old.ends(topic)) * each
            assert 0.9 < at_most / (bound * 20 * 2**30) <= 1, "of the embedded stack's 20 GiB"


def test_all_other_logs_are_unchanged_and_new_ones_arrive(old: Stack, moment: Moment, before: Ends) -> None:
    wait_until_it_loads(old)
    check_whole(old)
    check(old, {**moment, "server-logs": {**moment["server-logs"], **expired(old)}})
    assert old.status().expired == sum(expired(old).values())
    assert "expired" in old.run("status").stdout


def test_why_reports_that_a_log_has_expired(old: Stack, before: Ends) -> None:
    hops = why(old, (0, before[0] - 5))["hops"]
    for hop in ("MySQL", "Elasticsearch"):
        assert hops[hop].startswith("expired: expire_logs has removed it, 20"), hops[hop]
    kept = why(old, (0, expired(old)[0]))["hops"]
    assert kept["MySQL"].startswith("logs.")
    assert "_doc" in kept["Elasticsearch"]


def test_a_correction_does_not_restore_an_expired_log(old: Stack, before: Ends) -> None:
    gone, offset = expired(old), before[0] - 5
    correct(old, 0, offset)
    assert rows_before(old, gone) == 0
    values = f"VALUES ('bad', '[]', '2026-01-01', 0, {offset - 1}, 1, 0)"
    columns = "status, reasons, received_at, kafka_partition, kafka_offset, users_version, revision"
    old.root_sql(f"INSERT INTO logs.bad_logs ({columns}) {values}")
    check_whole(old)
    assert sum(proof["left"] for proof in proofs(old)) == 1, "the row is reported as left; the document is hidden"
    green, printed = expire(old)
    assert green, printed
    assert rows_before(old, gone) == documents_before(old, gone) == 0, "the next run has removed both"
    assert expired(old) == gone
    assert "expired" in why(old, (0, offset))["hops"]["Elasticsearch"]
    check_whole(old)


def test_a_proof_of_an_expired_range_reports_it_and_an_hourly_one_starts_after_it(old: Stack, before: Ends) -> None:
    gone = expired(old)
    asked = old.run("reconcile", "--partition", "0", "--to", "100", "--json")
    (proof,) = json.loads(asked.stdout)
    assert (proof["logs"], proof["expired"], proof["differences"]) == (0, gone[0], {})
    old.root_sql("DELETE FROM logs.reconciled")
    firsts = {proof["partition"]: proof["first"] for proof in proofs(old, "--new")}
    assert {number: firsts[number] for number in gone} == gone


def test_logs_that_do_not_fit_the_disk_expire_up_to_the_same_offset_in_tables_and_index(
    old: Stack, before: Ends
) -> None:
    gone, ends = expired(old), loaded(old)
    room, shown = 10**12, list[str]()
    for table in TABLES.values():
        cut_at(old, table, ends)
    with (
        closing(old.env.outside.mysql("airflow")) as connection,
        closing(connection.cursor()) as cursor,
        cut.locked(cursor),
        old.env.outside.search() as index,
    ):
        size = fitting.document_bytes(index)
        assert size
        assert 50 < size < 5000
        sizes = fitting.sizes(cursor)
        assert all(sizes[number][end] >= 6 * 16_384 for number, end in ends.items()), "two pages of each table"
        expiry.rows(cursor, 0, shown.append, Bounds(room, room, tables=room, documents=room), size)
        assert (expired(old), shown) == (gone, []), "everything fits, and 0 days keep it indefinitely"
        expiry.rows(cursor, 0, shown.append, Bounds(room, room, tables=1, documents=room))
        assert expired(old) == ends, "by the tables alone, while the size of documents is unknown"
        expiry.rows(cursor, 0, shown.append, Bounds(room, room, tables=room, documents=1), size)
        assert expired(old) == ends, "a slice that is being filled stays, whatever its size"
        documents.remove(index, hops.read_expired(cursor), shown.append)
    assert rows_before(old, ends) == documents_before(old, ends) == 0
    check_whole(old)


def test_a_day_is_dropped_once_all_of_it_has_expired_and_until_then_expired_documents_are_hidden(
    old: Stack, before: Ends
) -> None:
    now = datetime.now(UTC)
    today, day = (f"server-logs-{each:%Y.%m.%d}" for each in (now, now - timedelta(days=60)))
    since = old.now()
    with without_the_first_wall(old):
        (origins,) = send_at(old, [now - timedelta(days=60)], 200)
        until(lambda: set(origins) <= old.loaded(since), 60, "they are loaded")
    until(lambda: len(old.documents(origins)) == len(origins), 30, "they are indexed")
    half = {number: max(offset for partition, offset in origins if partition == number) - 50 for number in PARTITIONS}
    ends = loaded(old)
    for table in TABLES.values():
        cut_at(old, table, half, ends)

    note_arrival(old, OLD_DAYS, half)
    green, printed = expire(old)
    assert green, printed
    assert expired(old) == half
    assert len(old.documents(origins)) == sum(offset >= half[partition] for partition, offset in origins) < 200
    assert documents_before(old, half, day) > 0 == documents_before(old, half), "hidden in an index that is needed"
    check_whole(old)

    note_arrival(old, OLD_DAYS, ends)
    green, printed = expire(old)
    assert green, printed
    assert f"{day} dropped" in printed
    assert day not in old.search("server-logs/_alias")
    assert documents_before(old, ends, today) > 0 == documents_before(old, ends)
    assert sum(old.counts().values()) > 0
    check_whole(old)

    gone, lines = expired(old), list[str]()
    with old.env.outside.search() as index:
        documents.remove(index, gone, lines.append, Bounds(10**12, 10**12, 10**12, documents=10**12))
        assert documents_before(old, gone, today) > 0, "there is room for what is hidden"
        documents.remove(index, gone, lines.append, Bounds(1, 1, 1, documents=1))
        assert documents_before(old, gone, today) == 0, "what does not fit is deleted"
        documents.remove(index, gone, lines.append, today=now.date() + timedelta(days=2))
        assert today in old.search("server-logs/_alias"), "it has logs that have not expired"
    check_whole(old)


def test_an_index_that_gets_a_document_while_it_is_to_be_dropped_stays(old: Stack) -> None:
    index = "server-logs-2026.01.01"
    old.search(index, {"mappings": template()["template"]["mappings"]}, "PUT")
    old.search(f"{index}/_doc/1", {"origin": {"kafka_partition": 0, "kafka_offset": 0}}, "PUT")
    with old.env.outside.search() as client:
        assert not documents.drop(client, index, {"match_all": {}})
        old.search(f"{index}/_doc/2", {}, "PUT")  # writable again
        assert documents.drop(client, index, {"match_none": {}})
        assert not client.indices.exists(index=index)


ORIGINS: list[dict[str, int]] = [
    {"kafka_partition": partition, "kafka_offset": offset}
    for partition in (-1, 0, 1, 2, 3, 4, 9)
    for offset in (-1, 0, 9, 10, 11)
]


def test_what_is_left_of_an_index_is_what_has_not_expired(old: Stack) -> None:
    index = "server-logs-2026.01.01"
    old.search(index, {"mappings": template()["template"]["mappings"]}, "PUT")
    try:
        for number, origin in enumerate([*ORIGINS, {}, {"kafka_partition": 1}, {"kafka_offset": 1}]):
            old.search(f"{index}/_doc/{number}", {"origin": origin}, "PUT")
        old.search(f"{index}/_refresh", method="POST")
        for expired in ({1: 10}, {0: 10, 1: 9, 3: 11}):
            found = old.search(f"{index}/_search", {"query": documents.others(expired), "size": 100})["hits"]["hits"]
            left = {int(hit["_id"]) for hit in found}
            gone = {number for number, (partition, offset) in enumerate(map(dict.values, ORIGINS))
                    if 0 <= offset < expired.get(partition, 0)}  # fmt: skip
            assert left == set(range(len(ORIGINS) + 3)) - gone
    finally:
        old.search(index, method="DELETE")


class CutMeanwhile:
    """A cursor that has a slice cut right after its snapshot."""

    def __init__(self, cursor: Any, cut: Callable[[], Any]) -> None:
        self.cursor, self.cut = cursor, cut

    def execute(self, query: str, values: Any = ()) -> None:
        self.cursor.execute(query, values)
        if query.startswith("START TRANSACTION"):
            self.cut()
            self.cut = int

    def __getattr__(self, name: str) -> Any:
        return getattr(self.cursor, name)


def test_a_proof_restarts_when_slices_were_cut_after_its_snapshot(old: Stack) -> None:
    last = slices(old, "bad_logs")[0][-1]
    cut = (
        f"ALTER TABLE logs.bad_logs REORGANIZE PARTITION p0_rest INTO (PARTITION p0_{last + 1} VALUES LESS THAN"
        f" (0, {last + 1}), PARTITION p0_rest VALUES LESS THAN (0, MAXVALUE))"
    )
    with (
        old.env.outside.looking(INDEXER_GROUP) as consumer,
        closing(old.env.outside.mysql("stream")) as connection,
        closing(connection.cursor()) as cursor,
        old.env.outside.search() as index,
    ):
        clients = Clients(consumer, CutMeanwhile(cursor, lambda: old.root_sql(cut)), index)
        found = reconcile(clients)
    assert slices(old, "bad_logs")[0][-1] == last + 1
    assert [proof.differences for proof in found] == [{}] * len(found)


def test_tables_of_a_version_without_slices_are_migrated(old: Stack) -> None:
    before = old.counts()
    for table in TABLES.values():
        old.root_sql(f"ALTER TABLE logs.{table} REMOVE PARTITIONING")
    green, printed = expire(old)
    assert green, printed
    for table in TABLES.values():
        found = slices(old, table)
        assert set(found) == set(range(len(old.ends("server-logs"))))
        assert {len(ends) for ends in found.values()} == {NEAR + FAR}
    assert all(count >= before[status] for status, count in old.counts().items())
    check_whole(old)


def proofs(stack: Stack, *options: str) -> list[dict[str, Any]]:
    done = stack.run("reconcile", "--json", *options)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def check_whole(stack: Stack) -> None:
    """Each log that has not expired has one row and one document."""
    before = expired(stack)
    for proof in proofs(stack):
        assert proof["first"] >= before.get(proof["partition"], 0)
        assert proof["logs"] == proof["rows"] == proof["documents"] + proof["refused"]
