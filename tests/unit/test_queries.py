"""What becomes of the others when a query ends, and which one begins anew."""

import mysql.connector
import pytest

from include.status_topic import StalledError
from jobs import queries
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


def run(*errors: Exception | None, again: bool = True) -> list[Staged]:
    """classify, and load with one error after the other, stopped where there is none; gives all that began."""
    stop, began = Stop(), []
    left = list(errors)

    def begin(name: str, error: Exception | None) -> Staged:
        began.append(Staged(name, error))
        return began[-1]

    def load() -> Staged:
        error = left.pop(0)
        if not left and error is None:
            stop.ask()
        return begin("load", error)

    queries.run([lambda: begin("classify", None), load], stop, again=again)
    return began


@pytest.mark.parametrize("error", [StalledError("it reads no more"), mysql.connector.OperationalError("it is away")])
def test_load_begins_anew_as_often_as_it_takes(error: Exception):
    began = run(error, error, None)
    assert [query.name for query in began] == ["classify", "load", "load", "load"]
    assert not any(query.isActive for query in began)


@pytest.mark.parametrize(
    ("error", "again"),
    [(StalledError("why"), False), (ValueError("why"), True), (mysql.connector.DataError("why"), True)],
)
def test_another_error_ends_all(error: Exception, again: bool):
    with pytest.raises(QueryFailedError, match=r"load failed: .*why"):
        run(error, again=again)
