"""Kafka's settings in the embedded stack."""

from pathlib import Path

import pytest

from include.settings import Settings
from include.stack.environment import Environment
from include.stack.ports import Ports
from include.stack.servers import kafka_config


@pytest.mark.parametrize(("fsync", "expected"), [(False, None), (True, "1")])
def test_messages_are_on_the_disk_before_they_are_acknowledged_if_wanted(tmp_path: Path, *, fsync: bool, expected):
    env = Environment(Settings(state=tmp_path, fsync=fsync), Ports(), {})
    text = kafka_config.properties(env, "secret")
    found = dict(line.split("=", 1) for line in text.splitlines())
    assert found.get("log.flush.interval.messages") == expected
    assert found["super.users"] == "User:logsieve_broker;User:logsieve_admin"
    assert "PLAINTEXT:" not in found["listeners"], "no socket without a login"
