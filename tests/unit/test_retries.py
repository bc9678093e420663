"""Waiting with a deadline: the answer, the last error, and what is raised at once."""

from collections.abc import Iterator

import pytest

from include import retries


class LateError(RuntimeError):
    pass


def answers(*given: int) -> Iterator[int]:
    yield from given
    while True:
        yield given[-1]


def test_the_first_answer_that_is_done_is_returned() -> None:
    given, waited = answers(0, 0, 7, 8), list[float]()
    assert retries.until(lambda: next(given), 60, lambda _: LateError(), pause=2, sleep=waited.append) == 7
    assert waited == [2, 2]


def test_what_is_done_can_be_an_empty_answer() -> None:
    given = answers(3, 0)
    assert retries.until(lambda: next(given), 60, lambda _: LateError(), done=lambda n: n == 0, pause=0) == 0


def test_after_the_deadline_the_error_knows_the_last_answer() -> None:
    with pytest.raises(LateError, match="still 3"):
        retries.until(lambda: 3, 0, lambda last: LateError(f"still {last}"), done=lambda n: n == 0)


def test_what_asking_raises_ends_the_wait_at_once() -> None:
    def ask() -> bool:
        raise ValueError("of the server")

    with pytest.raises(ValueError, match="of the server"):
        retries.until(ask, 60, lambda _: LateError())


def test_an_action_is_tried_again_only_after_the_errors_named() -> None:
    errors = iter([KeyError("busy"), KeyError("busy"), ValueError("broken")])

    def act() -> None:
        raise next(errors)

    with pytest.raises(ValueError, match="broken"):
        retries.retry(act, 60, lambda error: isinstance(error, KeyError), pause=0)


def test_after_the_deadline_the_last_error_is_raised() -> None:
    errors = iter([KeyError("first"), KeyError("last")])

    def act() -> None:
        raise next(errors)

    with pytest.raises(KeyError, match="first"):
        retries.retry(act, 0, lambda error: isinstance(error, KeyError))
