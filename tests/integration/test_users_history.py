"""The users history in a real MySQL: it matches the loaded days, whatever their order and repetitions."""

import csv
import io
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import mysql.connector
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from include.contract import reading
from include.contract.model import Contract
from include.settings import ROOT
from include.users import tables
from include.users.export import ExportRefusedError
from include.users.history import BEGINNING, Loaded, close_changes, is_any_pending, load_day
from include.users.limits import Limits
from include.users.shape import Shape
from tests.integration.stack import Stack

SCHEMA = "dim_users_proof"
TABLES = ("users", "users_history", "users_version", "changes", "loads")
HEADER = "account_no,user_device\n"

DAYS = [BEGINNING, *(date(2026, 2, 26) + timedelta(days=number) for number in (0, 1, 3, 4, 7))]
LOOKED_UP = [BEGINNING, *(date(2026, 2, 25) + timedelta(days=number) for number in range(12))]
"""Days of the loads, days between them, one before and some after them."""
TEXTS = """
[[field]]
name = "name"
type = "text"
length = [1, 20]
[[field]]
name = "line"
type = "text"
length = [1, 20]
[[field]]
name = "size"
type = "int64"
[[field]]
name = "address"
type = "ip"
[[field]]
name = "at"
type = "timestamp"
unit = "milliseconds"
[dimension]
key = "name"
column = "becomes"
at = "at"
[[dimension.attribute]]
field = "line"
[[dimension.attribute]]
field = "size"
column = "was_0"
[[dimension.attribute]]
field = "address"
"""
"""A contract whose keys are texts, and whose columns are called as columns of temporary tables are."""

Account = int | str
Had = tuple[int | str, ...]
"""The attributes of an account."""
Export = dict[Account, Had]
Days = dict[date, Export]
Lookups = dict[tuple[Account, date], Had | None]


@dataclass(frozen=True)
class Case:
    """A contract, three keys of its dimension, and five things that an account may have."""

    contract: Contract
    accounts: tuple[Account, ...]
    had: tuple[Had, ...]

    @property
    def shape(self) -> Shape:
        found = Shape.of(self.contract)
        assert found is not None
        return found


# MySQL treats the first three devices as equal, the stream does not.
CASES = {
    "shipped": Case(
        reading.load(ROOT / "contract.toml"),
        (-1, 7, 8),
        (("IOS",), ("IOS ",), ("IOS  ",), ('a "quoted", \\N',), ("Zürich\n",)),
    ),
    "two_attributes": Case(
        reading.load(ROOT / "tests" / "contracts" / "contract.toml"),
        (-(2**63), 7, 2**63 - 1),
        (("IOS", "GB"), ("IOS ", "GB"), ("IOS", "G "), ('a "quoted", \\N', "FR"), ("Zürich\n", "ÄÖ")),
    ),
    "texts": Case(
        reading.parse(TEXTS, ROOT / "texts.toml"),
        ("a", "a ", 'Zürich\n"\\N'),
        (
            ("IOS", 1, "192.0.2.7"), ("IOS ", 1, "192.0.2.7"), ("IOS", -(2**63), "192.0.2.7"),
            ("IOS", 1, "2001:db8::1"), ("ios", 1, "::"),
        ),
    ),
}  # fmt: skip


class History:
    """A separate history for these tests."""

    def __init__(self, stack: Stack, case: Case, database: str) -> None:
        self.case, self._database = case, database
        self._account = {"port": stack.ports["mysql"], "password": stack.passwords["mysql_root"]}
        self.connection = self.connect()

    def connect(self) -> Any:
        return mysql.connector.connect(
            host="127.0.0.1", user="root", database=self._database, allow_local_infile=True, **self._account
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

    def load(self, day: date, accounts: Any, limits: Limits | None = None, connection: Any = None) -> Loaded:
        return load_day(connection or self.connection, day, export(accounts, self.case), f"{day}.csv", limits)

    @property
    def columns(self) -> str:
        return ", ".join(each.quoted for each in self.case.shape.columns)

    def rows(self) -> set[tuple[Any, ...]]:
        """Key, attributes, valid_from, valid_to and seen_from of each period."""
        rows = self.query(f"SELECT {self.columns}, valid_from, valid_to, seen_from FROM users_history")
        return {(row[0], row[1:-3], *row[-3:]) for row in rows}

    def users(self) -> Export:
        return {row[0]: row[1:] for row in self.query(f"SELECT {self.columns} FROM users")}

    def everything(self) -> dict[str, list[tuple[Any, ...]]]:
        return {table: sorted(self.query(f"SELECT * FROM {table}"), key=repr) for table in TABLES}


@contextmanager
def made(stack: Stack, name: str, database: str = SCHEMA) -> Iterator[History]:
    case = CASES[name]
    stack.root_sql(f"DROP DATABASE IF EXISTS {database}")
    for statement in filter(str.strip, tables.statements(case.contract, database).split(";\n")):
        stack.root_sql(statement)
    history = History(stack, case, database)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "current", lambda: case.contract)
        yield history
    history.connection.close()
    stack.root_sql(f"DROP DATABASE {database}")


@pytest.fixture(scope="module", params=list(CASES))
def schema(request: pytest.FixtureRequest, stack: Stack) -> Iterator[History]:
    """A history of each contract."""
    # It stays while other tests make theirs.
    with made(stack, request.param, f"{SCHEMA}_{request.param}") as history:
        yield history


@pytest.fixture
def history(stack: Stack) -> Iterator[History]:
    """An empty history of the contract that ships."""
    with made(stack, "shipped") as history:
        yield history


def export(accounts: Any, case: Case = CASES["shipped"]) -> io.BytesIO:
    """The export of these accounts; a text is the only attribute."""
    text = io.StringIO()
    rows = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n")
    for key, had in accounts.items():
        rows.writerow((key, *((had,) if isinstance(had, str) else had)))
    return io.BytesIO(f"{case.shape.header}\n{text.getvalue()}".encode())


def looked_up(days: Days, accounts: tuple[Account, ...]) -> Lookups:
    """What each account has on each day, from the days alone, without periods."""
    found: Lookups = {}
    for account in accounts:
        first = min((day for day in days if account in days[day]), default=None)
        for day in LOOKED_UP:
            known = first is not None and max([first, *(other for other in days if other <= day)])
            found[account, day] = days[known].get(account) if known else None
    return found


def periods(days: Days, accounts: tuple[Account, ...]) -> set[tuple[Any, ...]]:
    """The expected rows of a history of these days."""
    rows = []
    for account in accounts:
        open_since, before = None, None
        for day in [*sorted(days), None]:
            had = days[day].get(account) if day else None
            if had == before:
                continue
            if before is not None:
                rows.append((account, before, open_since, day))
            open_since, before = day, had
        if before is not None:
            rows.append((account, before, open_since, None))
    firsts = {account: min(row[2] for row in rows if row[0] == account) for account in {row[0] for row in rows}}
    return {(*row[:2], BEGINNING if row[2] == firsts[row[0]] else row[2], row[3], row[2]) for row in rows}


def lookups_of(rows: set[tuple[Any, ...]], accounts: tuple[Account, ...]) -> Lookups:
    """What is found by looking up the period of each day; fails if two periods overlap."""
    found: Lookups = dict.fromkeys((account, day) for account in accounts for day in LOOKED_UP)
    for account, had, begin, end, _ in rows:
        for day in LOOKED_UP:
            if begin <= day and (end is None or day < end):
                assert found[account, day] is None, "one period a day"
                found[account, day] = had
    return found


def recorded(history: History, version: int) -> set[tuple[Account, date]]:
    """The account and day of each look-up that the version changed, according to `changes`."""
    rows = history.query(
        f"SELECT {history.case.shape.key.quoted}, first_day, end_day FROM changes WHERE version = {version}"
    )
    return {(row[0], day) for row in rows for day in LOOKED_UP if row[1] <= day and (row[2] is None or day < row[2])}


contents = st.dictionaries(st.integers(0, 2), st.integers(0, 4), min_size=1)
"""By the place of an account in its case, the place of what it has."""


def said(case: Case, content: dict[int, int]) -> Export:
    """The accounts of the case that are meant."""
    return {case.accounts[place]: case.had[had] for place, had in content.items()}


one_load = st.tuples(st.sampled_from(DAYS), contents)


@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(loads=st.lists(one_load, min_size=2, max_size=9))
def test_the_history_matches_the_loaded_days_and_changes_records_what_changed(schema: History, loads) -> None:
    schema.clear()
    days: Days = {}
    version, known_keys = 0, schema.case.accounts
    for day, content in loads:
        accounts = said(schema.case, content)
        before, rows = looked_up(days, known_keys), schema.rows()
        first, known = not days, days.get(day)
        days[day] = accounts

        loaded = schema.load(day, accounts)

        assert schema.rows() == periods(days, known_keys)
        assert lookups_of(schema.rows(), known_keys) == looked_up(days, known_keys)
        assert schema.users() == days[max(days)]
        assert dict(schema.query("SELECT ds, accounts FROM loads")) == {day: len(days[day]) for day in days}
        changed = schema.rows() != rows
        assert loaded.version == version + changed
        if known == accounts:
            assert (loaded.added, loaded.changed, loaded.closed, changed) == (0, 0, 0, False)
        after = looked_up(days, known_keys)
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
            schema.load(day, said(schema.case, days[day]))
        found.append((schema.rows(), schema.users()))
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
    assert history.rows() == periods({day: {7: (had[7],), 8: (had[8],)} for day, had in days.items()}, (7, 8))
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


def test_an_example_names_the_key_and_all_attributes(stack: Stack) -> None:
    with made(stack, "two_attributes") as history:
        history.load(DAYS[1], dict.fromkeys(range(100), ("IOS", "GB")))
        complaint = r"100 of 100 .* have another device or country, for example user 0: 'IOS', 'GB' → 'IOS', 'FR'"
        with pytest.raises(ExportRefusedError, match=complaint):
            history.load(DAYS[2], dict.fromkeys(range(100), ("IOS", "FR")), LIMITS)


def test_without_a_dimension_an_export_is_refused(history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "current", lambda: Contract(history.case.contract.fields))
    with pytest.raises(ExportRefusedError, match="the contract has no dimension"):
        history.load(DAYS[1], {7: "IOS"})


def test_the_tables_of_the_contract_that_ships_are_those_of_earlier_versions(stack: Stack, history: History) -> None:
    before = """
        CREATE TABLE users (account_no INT NOT NULL PRIMARY KEY, user_device VARCHAR(64) NOT NULL);
        CREATE TABLE users_history (
          account_no INT NOT NULL, user_device VARCHAR(64) NOT NULL,
          valid_from DATE NOT NULL COMMENT 'UTC, the first day; 1970-01-01 in the first period of an account',
          valid_to DATE COMMENT 'UTC, the day after the last; null: still valid',
          seen_from DATE NOT NULL
            COMMENT 'the first day with such an export: valid_from, except in the first period',
          PRIMARY KEY (account_no, valid_from));
        CREATE TABLE users_version (
          id TINYINT NOT NULL DEFAULT 1 PRIMARY KEY, version INT NOT NULL,
          changed_at DATETIME(3) NOT NULL COMMENT 'UTC');
        CREATE TABLE changes (
          account_no INT NOT NULL, version INT NOT NULL, first_day DATE NOT NULL COMMENT 'UTC',
          end_day DATE COMMENT 'UTC, the day after the last; null: all later days',
          PRIMARY KEY (account_no, version));
        CREATE TABLE loads (
          ds DATE NOT NULL PRIMARY KEY COMMENT 'the day of the export',
          accounts INT NOT NULL COMMENT 'rows of the export',
          version INT NOT NULL COMMENT 'of the history, once it was loaded',
          loaded_at DATETIME(3) NOT NULL COMMENT 'UTC');
    """
    now = {table: history.query(f"SHOW CREATE TABLE {table}") for table in TABLES}
    for table in TABLES:
        history.query(f"DROP TABLE {table}")
    for statement in filter(str.strip, before.split(";\n")):
        history.query(statement)
    assert {table: history.query(f"SHOW CREATE TABLE {table}") for table in TABLES} == now
