"""What becomes of the others when a query ends, and which one begins anew."""

import mysql.connector
import pytest

from include.topics.readers import StalledError
from include.watch.troubles import Trouble
from jobs.driver import queries
from jobs.ends import QueryFailedError, Stop


class Staged:
    """A query that ends with the error, or runs until it is stopped, and then asks for a stop if it is the last."""

    def __init__(self, name: str, error: Exception | None = None) -> None:
        self.name, self._error = name, error
        self.isActive = error is None

    def exception(self) -> Exception | None:
        return self._error

    def stop(self) -> None:
        self.isActive = False


def run(*errors: Exception | None, again: bool = True, told: "list[tuple[str, Trouble]] | None" = None) -> list[Staged]:
    """classify, and load with one error after the other, stopped where there is none; gives all that began."""
    stop, began = Stop(), []
    told = [] if told is None else told
    left = list(errors)

    def begin(name: str, error: Exception | None) -> Staged:
        began.append(Staged(name, error))
        return began[-1]

    def load() -> Staged:
        error = left.pop(0)
        if not left and error is None:
            stop.ask()
        return begin("load", error)

    tell = (lambda part, trouble: told.append((part, trouble))) if again else None
    queries.run({"classify": lambda: begin("classify", None), "load": load}, stop, tell=tell)
    return began


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "_POLL_SECONDS", 0.01)
    monkeypatch.setattr(queries, "_LONGEST_PAUSE", 0.02)


AWAY = mysql.connector.OperationalError("it is away", errno=2003)
REFUSED = mysql.connector.ProgrammingError("local data is disabled", errno=3948)


@pytest.mark.parametrize("error", [StalledError("it reads no more"), AWAY, REFUSED])
def test_load_begins_anew_as_often_as_it_takes_and_classify_goes_on(error: Exception):
    began = run(error, error, None)
    assert [query.name for query in began] == ["classify", "load", "load", "load"]
    assert not any(query.isActive for query in began)


@pytest.mark.parametrize(
    ("error", "again"),
    [(StalledError("why"), False), (ValueError("why"), True), (mysql.connector.OperationalError("why"), False)],
)
def test_another_error_ends_all(error: Exception, again: bool):
    with pytest.raises(QueryFailedError, match=r"load failed: .*why"):
        run(error, again=again)


def test_what_mysql_says_is_told_with_the_name_of_the_query():
    told: list[tuple[str, Trouble]] = []
    run(REFUSED, REFUSED, None, told=told)
    assert [part for part, _ in told] == ["load", "load"]
    assert "local data is disabled (error 3948)" in told[0][1].sentence
    assert told[0][1].remedy.startswith("SET GLOBAL local_infile = ON")


def test_a_load_that_cannot_begin_does_not_hide_that_classify_failed():
    stop, classify = Stop(), Staged("classify")

    def load() -> Staged:
        # After the first try it fails, as Kafka does.
        classify.isActive, classify.exception = False, lambda: ValueError("Kafka said no")  # type: ignore[method-assign]
        raise AWAY

    with pytest.raises(QueryFailedError, match=r"classify failed: .*Kafka said no"):
        queries.run({"classify": lambda: classify, "load": load}, stop, tell=lambda part, trouble: None)


def test_a_stop_ends_the_wait_for_mysql():
    stop = Stop()

    def load() -> Staged:
        raise AWAY

    queries.run({"load": load}, stop, tell=lambda part, trouble: stop.ask())
