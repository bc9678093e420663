"""The users history in a real MySQL: it matches the loaded days, whatever their order and repetitions."""

import io
import re
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import date, timedelta
from typing import Any

import mysql.connector
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from include.settings import ROOT
from include.users.export import ExportRefusedError
from include.users.history import BEGINNING, Loaded, close_changes, is_any_pending, load_day
from include.users.limits import Limits
from tests.integration.stack import Stack

SCHEMA = "dim_users_proof"
TABLES = ("users", "users_history", "users_version", "changes", "loads")
HEADER = "account_no,user_device\n"

DAYS = [BEGINNING, *(date(2026, 2, 26) + timedelta(days=number) for number in (0, 1, 3, 4, 7))]
LOOKED_UP = [BEGINNING, *(date(2026, 2, 25) + timedelta(days=number) for number in range(12))]
"""Days of the loads, days between them, one before and some after them."""
ACCOUNTS = (-1, 7, 8)
# MySQL treats the first three as equal, the stream does not.
DEVICES = ("IOS", "IOS ", "IOS  ", 'a "quoted", \\N', "Zürich\n")

Export = dict[int, str]
Days = dict[date, Export]
Lookups = dict[tuple[int, date], str | None]


class History:
    """A separate history for these tests."""

    def __init__(self, stack: Stack) -> None:
        self._account = {"port": stack.ports["mysql"], "password": stack.passwords["mysql_root"]}
        self.connection = self.connect()

    def connect(self) -> Any:
        return mysql.connector.connect(
            host="127.0.0.1", user="root", database=SCHEMA, allow_local_infile=True, **self._account
        )

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with closing(self.connection.cursor()) as cursor:
            cursor.execute(sql)
            rows = cursor.fetchall() if cursor.with_rows else []
        self.connection.commit()
        return rows

    def clear(self) -> None:
        for table in TABLES:
            self.query(f"DELETE FROM {table}")

    def load(self, day: date, accounts: Export, limits: Limits | None = None, connection: Any = None) -> Loaded:
        return load_day(connection or self.connection, day, export(accounts), f"{day}.csv", limits)

    def rows(self) -> set[tuple[Any, ...]]:
        return set(self.query("SELECT account_no, user_device, valid_from, valid_to, seen_from FROM users_history"))

    def everything(self) -> dict[str, list[tuple[Any, ...]]]:
        return {table: sorted(self.query(f"SELECT * FROM {table}"), key=repr) for table in TABLES}


@pytest.fixture(scope="module")
def schema(stack: Stack) -> Iterator[History]:
    lines = (ROOT / "include" / "sql" / "dim_users.sql").read_text().splitlines()
    sql = re.sub(r"\bdim_users\b", SCHEMA, "\n".join(line for line in lines if not line.startswith("--")))
    stack.root_sql(f"DROP DATABASE IF EXISTS {SCHEMA}")
    for statement in filter(str.strip, sql.split(";\n")):
        stack.root_sql(statement.rstrip().rstrip(";"))
    made = History(stack)
    yield made
    made.connection.close()
    stack.root_sql(f"DROP DATABASE {SCHEMA}")


@pytest.fixture
def history(schema: History) -> History:
    schema.clear()
    return schema


def export(accounts: Export) -> io.BytesIO:
    lines = (f'{number},"{device.replace(chr(34), chr(34) * 2)}"\n' for number, device in accounts.items())
    return io.BytesIO((HEADER + "".join(lines)).encode())


def looked_up(days: Days) -> Lookups:
    """The device of each account on each day, from the days alone, without periods."""
    found: Lookups = {}
    for account in ACCOUNTS:
        first = min((day for day in days if account in days[day]), default=None)
        for day in LOOKED_UP:
            known = first is not None and max([first, *(other for other in days if other <= day)])
            found[account, day] = days[known].get(account) if known else None
    return found


def periods(days: Days) -> set[tuple[Any, ...]]:
    """The expected rows of a history of these days."""
    rows = []
    for account in ACCOUNTS:
        open_since, before = None, None
        for day in [*sorted(days), None]:
            device = days[day].get(account) if day else None
            if device == before:
                continue
            if before is not None:
                rows.append((account, before, open_since, day))
            open_since, before = day, device
        if before is not None:
            rows.append((account, before, open_since, None))
    firsts = {account: min(row[2] for row in rows if row[0] == account) for account in {row[0] for row in rows}}
    return {(*row[:2], BEGINNING if row[2] == firsts[row[0]] else row[2], row[3], row[2]) for row in rows}


def lookups_of(rows: set[tuple[Any, ...]]) -> Lookups:
    """The device found by looking up the period of each day; fails if two periods overlap."""
    found: Lookups = dict.fromkeys((account, day) for account in ACCOUNTS for day in LOOKED_UP)
    for account, device, begin, end, _ in rows:
        for day in LOOKED_UP:
            if begin <= day and (end is None or day < end):
                assert found[account, day] is None, "one period a day"
                found[account, day] = device
    return found


def recorded(history: History, version: int) -> set[tuple[int, date]]:
    """The account and day of each look-up that the version changed, according to `changes`."""
    rows = history.query(f"SELECT account_no, first_day, end_day FROM changes WHERE version = {version}")
    return {(row[0], day) for row in rows for day in LOOKED_UP if row[1] <= day and (row[2] is None or day < row[2])}


contents = st.dictionaries(st.sampled_from(ACCOUNTS), st.sampled_from(DEVICES), min_size=1)
one_load = st.tuples(st.sampled_from(DAYS), contents)


@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(loads=st.lists(one_load, min_size=2, max_size=9))
def test_the_history_matches_the_loaded_days_and_changes_records_what_changed(schema: History, loads) -> None:
    schema.clear()
    days: Days = {}
    version = 0
    for day, accounts in loads:
        before, rows = looked_up(days), schema.rows()
        first, known = not days, days.get(day)
        days[day] = accounts

        loaded = schema.load(day, accounts)

        assert schema.rows() == periods(days)
        assert lookups_of(schema.rows()) == looked_up(days)
        assert dict(schema.query("SELECT account_no, user_device FROM users")) == days[max(days)]
        assert dict(schema.query("SELECT ds, accounts FROM loads")) == {day: len(days[day]) for day in days}
        changed = schema.rows() != rows
        assert loaded.version == version + changed
        if known == accounts:
            assert (loaded.added, loaded.changed, loaded.closed, changed) == (0, 0, 0, False)
        after = looked_up(days)
        differing = {key for key in after if before[key] != after[key]}
        if changed:
            assert recorded(schema, loaded.version) == (set() if first else differing)
        else:
            assert differing == set()
        version = loaded.version


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    days=st.dictionaries(st.sampled_from(DAYS), contents, min_size=2),
    order=st.randoms(use_true_random=False),
    data=st.data(),
)
def test_any_order_of_the_same_days_with_repeats_has_the_same_result(schema: History, days, order, data) -> None:
    repeats = data.draw(st.lists(st.sampled_from(sorted(days)), max_size=4))
    found = []
    for loads in (sorted(days), order.sample([*days, *repeats], len(days) + len(repeats))):
        schema.clear()
        for day in loads:
            schema.load(day, days[day])
        found.append((schema.rows(), schema.query("SELECT * FROM users ORDER BY account_no")))
    assert found[0] == found[1]


def test_counts_show_what_the_day_changed(history: History) -> None:
    assert history.load(DAYS[2], {-1: "IOS", 7: "IOS"}) == Loaded("2026-02-27", 2, 2, 0, 0, 1)
    assert history.load(DAYS[4], {-1: "IOS", 7: "LINUX", 8: "IOS"}) == Loaded("2026-03-02", 3, 1, 1, 0, 2)
    assert history.load(DAYS[3], {7: "LINUX"}) == Loaded("2026-03-01", 1, 0, 1, 1, 3)
    assert history.load(DAYS[4], {-1: "IOS", 7: "LINUX", 8: "IOS"}) == Loaded("2026-03-02", 3, 0, 0, 0, 3)
    assert history.load(DAYS[1], {-1: "IOS", 7: "IOS"}) == Loaded("2026-02-26", 2, 2, 0, 0, 4)


def test_days_that_are_loaded_concurrently_wait_for_each_other(history: History) -> None:
    days = {date(2026, 3, 1) + timedelta(days=number): {7: f"DEVICE {number}", 8: "IOS"} for number in range(10)}
    failed = []

    def load(day: date) -> None:
        with closing(history.connect()) as connection:
            try:
                history.load(day, days[day], connection=connection)
            except mysql.connector.Error as error:
                failed.append(error)

    threads = [threading.Thread(target=load, args=(day,)) for day in days]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert failed == []
    assert history.rows() == periods(days)
    assert history.query("SELECT version FROM users_version") == [(10,)]


MANY = {number: f"Device {number % 3}" for number in range(1000)}
LIMITS = Limits(0.1, 0.1, 0.1)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("account_no,device\n1,IOS\n", "line 1: the header is 'account_no,device'"),
        (f"{HEADER}1,IOS\n2,LINUX\n1,IOS\n", "line 4: account 1 is already in line 2"),
        (f"{HEADER}1,IOS\n2147483648,IOS\n", r"line 3: .* is not a 32-bit integer"),
        (HEADER, "has no accounts"),
        (export(MANY).getvalue().decode()[:-4], "line 1001: it has no line end"),
        (
            export({n: d.lower() for n, d in MANY.items()}).getvalue().decode(),
            "1,000 of 1,000 .* account 0: 'Device 0' →",
        ),
        (export({n: f"{d} " for n, d in MANY.items()}).getvalue().decode(), "1,000 of 1,000 .* have another device"),
        (
            export({n: MANY[n] for n in range(400)}).getvalue().decode(),
            "600 of 1,000 .* closed, for example account 400: 'Device",
        ),
        (
            export({-n: MANY[n] for n in MANY}).getvalue().decode(),
            "999 of 1,000 .* new, for example account -999: unknown → 'Dev",
        ),
    ],
)
def test_a_bad_export_is_refused_and_loads_nothing(history: History, text: str, complaint: str) -> None:
    history.load(DAYS[2], MANY)
    before = history.everything()
    # The next day, one before all others, and the loaded day itself.
    for day in (DAYS[3], DAYS[1], DAYS[2]):
        with pytest.raises(ExportRefusedError, match=f"that.csv.*{complaint}.*"):
            load_day(history.connection, day, io.BytesIO(text.encode()), "that.csv", LIMITS)

        assert history.everything() == before


def test_loads_within_the_limits_and_accepted_loads_are_the_same_as_without_limits(history: History) -> None:
    lower = {number: device.lower() for number, device in MANY.items()}
    loads = [
        (DAYS[3], MANY, LIMITS),
        (DAYS[1], MANY | dict.fromkeys(range(100), "FRIDGE"), LIMITS),
        (DAYS[2], {number: device for number, device in MANY.items() if number >= 50}, LIMITS),
        (DAYS[3], MANY | dict.fromkeys(range(1000, 1100), "FRIDGE"), LIMITS),
        (DAYS[4], lower, None),
        (DAYS[5], lower | {0: "Device 0"}, LIMITS),
    ]
    for day, accounts, limits in loads:
        history.load(day, accounts, limits)
    found = history.rows()
    history.clear()
    for day, accounts, _ in loads:
        history.load(day, accounts)
    assert found == history.rows()


def test_a_day_before_1970_is_refused(history: History) -> None:
    with pytest.raises(ExportRefusedError, match="the history begins on 1970-01-01"):
        history.load(date(1969, 12, 31), {7: "IOS"})


def test_changes_are_pending_until_they_are_closed(history: History) -> None:
    with closing(history.connection.cursor()) as cursor:
        history.load(DAYS[1], {7: "IOS"})
        assert not is_any_pending(cursor), "nothing was judged before the first load"
        first = history.load(DAYS[2], {7: "LINUX"})
        second = history.load(DAYS[3], {7: "MACOS"})
        close_changes(cursor, first.version)
        assert is_any_pending(cursor)
        close_changes(cursor, second.version)
        assert not is_any_pending(cursor)
        history.connection.commit()
