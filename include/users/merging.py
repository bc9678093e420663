"""The statements that merge an accounts export into the users history, as the columns of a contract have it. Pure.

history.py runs them in one transaction, with the day, the next loaded day (`next`; null: none) and the version that
this creates. Attributes are compared as bytes, since the collation pads with blanks and the stream does not. Every
look-up names its index: right after another load the statistics are outdated, and MySQL once read the whole history
per account. In temporary tables the key is `user_key`, and the attributes are `becomes_0`, `becomes_1` and so on: a
contract may use any name for its columns.
"""

from collections.abc import Iterator
from typing import Final

from include.users.shape import Shape

_DAY: Final = "CAST(%(day)s AS DATE)"
_NEXT: Final = "CAST(%(next)s AS DATE)"
_BEGINNING: Final = "'1970-01-01'"
_BY_KEY: Final = "FORCE INDEX (PRIMARY)"


class Merging:
    """The statements for a shape of exports."""

    def __init__(self, shape: Shape) -> None:
        self._shape = shape
        self._key = shape.key.quoted

    def stage(self) -> str:
        """Creates the table `new_users`, for an export: its key, its attributes and the line of each account."""
        columns = [f"user_key {self._shape.key.type} NOT NULL", *self._declared("becomes", " NOT NULL")]
        return (
            f"CREATE TEMPORARY TABLE new_users ({', '.join(columns)}, line INT NOT NULL, PRIMARY KEY (user_key, line))"
        )

    def differing(self) -> Iterator[str]:
        """Fill the table `differing` with the differences between the export and the history on the day, and change
        nothing else. A statement cannot use a temporary table twice, so this takes several steps."""
        key_type = self._shape.key.type
        yield "DROP TEMPORARY TABLE IF EXISTS were, differing"
        yield (
            f"CREATE TEMPORARY TABLE were (user_key {key_type} NOT NULL PRIMARY KEY,"
            f" {', '.join(self._declared('was', ' NOT NULL'))})"
        )
        yield (
            f"INSERT INTO were SELECT {self._key}, {', '.join(self._named)} FROM users_history"
            f" WHERE seen_from <= {_DAY} AND (valid_to IS NULL OR valid_to > {_DAY})"
        )
        # All or none of `was` are null, and of `becomes` too: then the account is absent.
        columns = [*self._declared("was"), *self._declared("becomes")]
        yield f"CREATE TEMPORARY TABLE differing (user_key {key_type} NOT NULL PRIMARY KEY, {', '.join(columns)})"
        was, becomes = self._numbered("were.was"), self._numbered("new_users.becomes")
        yield (
            f"INSERT INTO differing SELECT new_users.user_key, {', '.join(was)}, {', '.join(becomes)}"
            " FROM new_users LEFT JOIN were ON were.user_key = new_users.user_key"
            f" WHERE were.user_key IS NULL OR NOT ({_same(was, becomes)})"
        )
        yield (
            f"INSERT INTO differing SELECT were.user_key, {', '.join(was)}, {', '.join(['NULL'] * len(was))}"
            " FROM were LEFT JOIN new_users ON new_users.user_key = were.user_key WHERE new_users.user_key IS NULL"
        )
        yield "DROP TEMPORARY TABLE were"  # frees its space in the buffer pool

    def merge(self) -> Iterator[str]:
        """Merge the table `differing` into the history.

        The export determines the days from its own up to the next loaded one. For accounts that differ, the periods in
        and next to these days are recreated; there are at most three, since no day in between was loaded.
        """
        yield "DROP TEMPORARY TABLE IF EXISTS around"
        yield "DROP TEMPORARY TABLE new_users"  # frees its space in the buffer pool
        yield self._make_around()
        yield self._fill_around()
        yield self._appear_earlier()
        yield from self._rewrite_periods()
        yield from self._rewrite_users()
        yield self._record_changes()

    def _make_around(self) -> str:
        """`left`: the period before the day and up to it, or beyond; `right`: at and after the next day; `first`: the
        first of all; `is_first`: no period begins before the day."""
        columns = [
            f"user_key {self._shape.key.type} NOT NULL PRIMARY KEY",
            *self._declared("becomes"),
            *self._declared("left"),
            "left_from DATE",
            *self._declared("right"),
            "right_to DATE",
            *self._declared("first"),
            "first_seen DATE",
            "is_first BOOLEAN NOT NULL",
        ]
        return f"CREATE TEMPORARY TABLE around ({', '.join(columns)})"

    def _fill_around(self) -> str:
        columns = [
            "differing.user_key",
            *self._numbered("differing.becomes"),
            *self._of("before_it"),
            "before_it.valid_from",
            *self._of("behind"),
            "behind.valid_to",
            *self._of("first"),
            "first.seen_from",
            f"COALESCE(first.seen_from >= {_DAY}, TRUE)",
        ]
        same = _same(self._of("first"), self._numbered("differing.becomes"))
        return (
            f"INSERT INTO around SELECT {', '.join(columns)} FROM differing"
            f" LEFT JOIN users_history AS first {_BY_KEY}"
            f" ON first.{self._key} = differing.user_key AND first.valid_from = {_BEGINNING}"
            f" LEFT JOIN users_history AS before_it {_BY_KEY}"
            f" ON before_it.{self._key} = differing.user_key AND before_it.seen_from < {_DAY}"
            f" AND (before_it.valid_to IS NULL OR before_it.valid_to >= {_DAY})"
            f" LEFT JOIN users_history AS behind {_BY_KEY}"
            f" ON behind.{self._key} = differing.user_key AND behind.seen_from <= {_NEXT}"
            f" AND (behind.valid_to IS NULL OR behind.valid_to > {_NEXT})"
            f" WHERE NOT COALESCE(first.seen_from = {_NEXT} AND {same}, FALSE)"
        )

    def _appear_earlier(self) -> str:
        """The other accounts only appear earlier, as they were: most of them do, if the day precedes all others."""
        return (
            f"UPDATE {self._history_of('differing')} SET users_history.seen_from = {_DAY}"
            f" WHERE users_history.valid_from = {_BEGINNING} AND users_history.seen_from = {_NEXT}"
            f" AND {_same(self._of('users_history'), self._numbered('differing.becomes'))}"
        )

    def _rewrite_periods(self) -> Iterator[str]:
        history, becomes, left, right = (
            self._history_of("around"), *(self._numbered(f"around.{name}") for name in ("becomes", "left", "right"))
        )  # fmt: skip
        into = f"INSERT INTO users_history ({self._listed()}, valid_from, valid_to, seen_from) SELECT around.user_key"
        yield (
            f"DELETE users_history FROM {history}"
            f" WHERE (users_history.valid_to IS NULL OR users_history.valid_to >= {_DAY})"
            f" AND (%(next)s IS NULL OR users_history.seen_from <= {_NEXT})"
            " AND NOT users_history.valid_from <=> around.left_from"
        )
        # A remaining first period comes after the day, so it is no longer the first.
        yield (
            f"UPDATE {history} SET users_history.valid_from = users_history.seen_from"
            f" WHERE around.is_first AND {becomes[0]} IS NOT NULL AND users_history.valid_from = {_BEGINNING}"
        )
        # The period before the day; if nothing changes then, it also covers the days from the day on …
        yield (
            f"UPDATE {history} AND users_history.valid_from = around.left_from SET users_history.valid_to = CASE"
            f" WHEN NOT ({_same(left, becomes, '<=>')}) THEN {_DAY}"
            f" WHEN {_same(right, becomes)} THEN around.right_to"
            f" ELSE {_NEXT} END"
        )
        # … the period from the day on, with what is new …
        yield (
            f"{into}, {', '.join(becomes)}, IF(around.is_first, {_BEGINNING}, {_DAY}),"
            f" IF({_same(right, becomes)}, around.right_to, {_NEXT}), {_DAY}"
            f" FROM around WHERE {becomes[0]} IS NOT NULL AND NOT ({_same(left, becomes, '<=>')})"
        )
        # … and the period from the next loaded day on.
        yield (
            f"{into}, {', '.join(right)}, IF(around.is_first AND {becomes[0]} IS NULL, {_BEGINNING}, {_NEXT}),"
            f" around.right_to, {_NEXT}"
            f" FROM around WHERE {right[0]} IS NOT NULL AND NOT ({_same(right, becomes, '<=>')})"
        )
        # If the first period was deleted, the period after it becomes the first.
        yield (
            "UPDATE users_history JOIN (SELECT around.user_key, MIN(users_history.valid_from) AS first_from"
            f" FROM {history} WHERE around.is_first AND {becomes[0]} IS NULL GROUP BY around.user_key) AS firsts"
            f" ON firsts.user_key = users_history.{self._key} AND firsts.first_from = users_history.valid_from"
            f" SET users_history.valid_from = {_BEGINNING}"
        )

    def _rewrite_users(self) -> Iterator[str]:
        """The current state is that of the newest loaded day; an earlier day does not change it."""
        becomes = self._numbered("around.becomes")
        changed = ", ".join(f"{name} = {value}" for name, value in zip(self._named, becomes, strict=True))
        yield (
            f"DELETE users FROM around STRAIGHT_JOIN users {_BY_KEY} ON users.{self._key} = around.user_key"
            f" WHERE {becomes[0]} IS NULL AND %(next)s IS NULL"
        )
        yield (
            f"INSERT INTO users ({self._listed()}) SELECT around.user_key, {', '.join(becomes)} FROM around"
            f" WHERE {becomes[0]} IS NOT NULL AND %(next)s IS NULL ON DUPLICATE KEY UPDATE {changed}"
        )

    def _record_changes(self) -> str:
        """The days on which a look-up now finds something else.

        For an account seen before, these are the days from this one up to the next loaded one. For any other account
        the first period changed, and with it everything before it: the period began or now begins on the day, and
        reached or reaches back from the day on which the account is seen next. No verdict is older than version 1.
        """
        same = _same(self._numbered("around.first"), self._of("now"))
        return (
            f"INSERT INTO changes ({self._key}, version, first_day, end_day)"
            " SELECT looked_up.user_key, %(version)s, looked_up.first_day, looked_up.end_day FROM ("
            f"SELECT around.user_key, CASE WHEN NOT around.is_first THEN {_DAY} WHEN {same} THEN {_NEXT}"
            f" ELSE CAST({_BEGINNING} AS DATE) END AS first_day,"
            # GREATEST is null if one of them is: there was no first period, or there is none now.
            " COALESCE(IF(around.first_seen = now.seen_from, NULL, GREATEST(around.first_seen, now.seen_from)),"
            f" {_NEXT}) AS end_day"
            f" FROM around LEFT JOIN users_history AS now {_BY_KEY}"
            f" ON now.{self._key} = around.user_key AND now.valid_from = {_BEGINNING}) AS looked_up"
            " WHERE %(version)s > 1 AND NOT looked_up.first_day <=> looked_up.end_day"
        )

    @property
    def _named(self) -> list[str]:
        return [each.quoted for each in self._shape.attributes]

    def _listed(self) -> str:
        return ", ".join((self._key, *self._named))

    def _of(self, table: str) -> list[str]:
        return [f"{table}.{name}" for name in self._named]

    def _numbered(self, name: str) -> list[str]:
        return [f"{name}_{place}" for place in range(len(self._shape.attributes))]

    def _declared(self, name: str, how: str = "") -> list[str]:
        types = (each.type for each in self._shape.attributes)
        return [f"{each} {kind}{how}" for each, kind in zip(self._numbered(name), types, strict=True)]

    def _history_of(self, table: str) -> str:
        return f"{table} STRAIGHT_JOIN users_history {_BY_KEY} ON users_history.{self._key} = {table}.user_key"


def _same(some: list[str], others: list[str], sign: str = "=") -> str:
    return " AND ".join(f"BINARY {one} {sign} BINARY {other}" for one, other in zip(some, others, strict=True))
