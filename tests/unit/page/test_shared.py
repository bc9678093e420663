"""Askers share a result that is young, and nobody makes it twice at once."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from include.page.shared import Shared


def test_a_result_is_shared_for_a_moment() -> None:
    now, made = [0.0], []
    shared = Shared(1, clock=lambda: now[0])
    for _ in range(3):
        assert shared.get("a", lambda: made.append(1) or len(made)) == 1
    now[0] = 1.0
    assert shared.get("a", lambda: made.append(1) or len(made)) == 2


def test_who_comes_meanwhile_gets_what_is_under_way() -> None:
    shared, begun, go, made = Shared(60), threading.Event(), threading.Event(), []

    def make() -> int:
        begun.set()
        assert go.wait(10)
        made.append(1)
        return len(made)

    with ThreadPoolExecutor(8) as pool:
        first = pool.submit(shared.get, "a", make)
        assert begun.wait(10)
        others = [pool.submit(shared.get, "a", make) for _ in range(7)]
        assert shared.get("b", lambda: "other keys do not wait") == "other keys do not wait"
        go.set()
        assert {each.result(10) for each in (first, *others)} == {1}


def test_a_failure_is_raised_and_not_kept() -> None:
    shared = Shared(60)
    with pytest.raises(OSError, match="away"):
        shared.get("a", lambda: (_ for _ in ()).throw(OSError("away")))
    assert shared.get("a", lambda: 1) == 1


def test_old_keys_are_forgotten() -> None:
    shared, made = Shared(60, most=2), []
    for key in ("a", "b", "c", "a"):
        shared.get(key, lambda key=key: made.append(key))
    assert made == ["a", "b", "c", "a"]
