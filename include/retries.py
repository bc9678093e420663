"""Waiting with a deadline: for an answer, or for an action that fails at first. Only what to wait for is ours."""

import time
from collections.abc import Callable
from typing import TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception, retry_if_result, stop_after_delay, wait_fixed

T = TypeVar("T")


def until(
    ask: Callable[[], T],
    seconds: float,
    late: Callable[[T], Exception],
    *,
    done: Callable[[T], object] = bool,
    pause: float = 1,
    sleep: Callable[[float], object] = time.sleep,
) -> T:
    """Asks again, after `pause` seconds each time, until the answer is `done`; returns that answer.

    Raises `late` of the last answer after `seconds`. What `ask` and `sleep` raise propagates.
    """

    def give_up(state: RetryCallState) -> T:
        assert state.outcome is not None  # noqa: S101  # it has been asked
        raise late(state.outcome.result())

    asking = Retrying(
        retry=retry_if_result(lambda answer: not done(answer)),
        stop=stop_after_delay(seconds),
        wait=wait_fixed(pause),
        sleep=sleep,  # type: ignore[arg-type]  # what it returns does not matter
        retry_error_callback=give_up,
    )
    return asking(ask)


def retry(act: Callable[[], T], seconds: float, when: Callable[[BaseException], bool], *, pause: float = 1) -> T:
    """Acts again while it raises an error for which `when` is true; returns its result.

    Raises the last error after `seconds`, and every other error at once.
    """
    acting = Retrying(
        retry=retry_if_exception(when), stop=stop_after_delay(seconds), wait=wait_fixed(pause), reraise=True
    )
    return acting(act)
