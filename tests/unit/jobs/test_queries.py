"""The driver's queries: which failures restart a query, and which stop all of them."""

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


def run(
    *errors: Exception | None, again: bool = True, reported: "list[tuple[str, Trouble]] | None" = None
) -> list[Staged]:
    """Runs classify, and load with one error after another, stopped at a None; returns all queries that started."""
    stop, began = Stop(), []
    reported = [] if reported is None else reported
    left = list(errors)

    def begin(name: str, error: Exception | None) -> Staged:
        began.append(Staged(name, error))
        return began[-1]

    def load() -> Staged:
        error = left.pop(0)
        if not left and error is None:
            stop.ask()
        return begin("load", error)

    report = (lambda part, trouble: reported.append((part, trouble))) if again else None
    queries.run({"classify": lambda: begin("classify", None), "load": load}, stop, report=report)
    return began


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "_POLL_SECONDS", 0.01)
    monkeypatch.setattr(queries, "_LONGEST_PAUSE", 0.02)


AWAY = mysql.connector.OperationalError("it is away", errno=2003)
REFUSED = mysql.connector.ProgrammingError("local data is disabled", errno=3948)


@pytest.mark.parametrize("error", [StalledError("it reads no more"), AWAY, REFUSED])
def test_load_restarts_until_it_works_while_classify_continues(error: Exception):
    began = run(error, error, None)
    assert [query.name for query in began] == ["classify", "load", "load", "load"]
    assert not any(query.isActive for query in began)


@pytest.mark.parametrize(
    ("error", "again"),
    [(StalledError("why"), False), (ValueError("why"), True), (mysql.connector.OperationalError("why"), False)],
)
def test_any_other_error_stops_all_queries(error: Exception, again: bool):
    with pytest.raises(QueryFailedError, match=r"load failed: .*why"):
        run(error, again=again)


def test_mysql_errors_are_reported_with_the_name_of_the_query():
    reported: list[tuple[str, Trouble]] = []
    run(REFUSED, REFUSED, None, reported=reported)
    assert [part for part, _ in reported] == ["load", "load"]
    assert "local data is disabled (error 3948)" in reported[0][1].sentence
    assert reported[0][1].remedy.startswith("SET GLOBAL local_infile = ON")


def test_a_load_that_cannot_start_does_not_hide_that_classify_failed():
    stop, classify = Stop(), Staged("classify")

    def load() -> Staged:
        # classify fails after the first try, as it does when Kafka fails.
        classify.isActive, classify.exception = False, lambda: ValueError("Kafka said no")  # type: ignore[method-assign]
        raise AWAY

    with pytest.raises(QueryFailedError, match=r"classify failed: .*Kafka said no"):
        queries.run({"classify": lambda: classify, "load": load}, stop, report=lambda part, trouble: None)


def test_a_stop_request_ends_the_wait_for_mysql():
    stop = Stop()

    def load() -> Staged:
        raise AWAY

    queries.run({"load": load}, stop, report=lambda part, trouble: stop.ask())
