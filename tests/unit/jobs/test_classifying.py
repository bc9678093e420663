"""A new driver begins to judge, however busy its cluster is."""

from types import SimpleNamespace
from typing import Any

from include.settings import Settings
from jobs.ends import Stop
from jobs.judging.classifying import Classifying


def test_before_the_first_query_nothing_is_asked_of_the_cluster(tmp_path) -> None:
    """A job of its own would take longer than the limit there, and every next driver would end like this one."""
    absent: Any = None
    users: Any = SimpleNamespace(version=1)
    settings = Settings(state=tmp_path)
    assert Classifying(absent, settings, absent, "realtime", absent, users, 1, Stop(), absent).settle()
