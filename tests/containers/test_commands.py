"""The commands for servers of one's own work in their container, with its logins."""

import json
from typing import Any

import pytest

from include.names import STATUSES
from tests.containers.flow import Flow
from tests.containers.system import System


@pytest.fixture(scope="module")
def filled(system: System) -> System:
    """There are logs of every status."""
    Flow(system).arrive()
    return system


def answer(system: System, *words: str) -> Any:
    return json.loads(system.logsieve(*words, "--json").stdout)


def origin(system: System, status: str) -> str:
    """The newest log of a status, as `tail` prints it."""
    shown = system.logsieve("tail", "server-logs-status", "--from-beginning", "--status", status, "--count", "1")
    return shown.stdout.split()[1]


def test_status_says_that_all_is_well(filled: System) -> None:
    found = answer(filled, "status")
    assert found["healthy"]
    assert found["servers"] == dict.fromkeys(("kafka", "mysql", "elasticsearch", "indexer"), "ok")
    counts = filled.counts()
    assert found["mysql"] == found["elasticsearch"] == {each: counts[each] for each in STATUSES}


@pytest.mark.parametrize("status", STATUSES)
def test_why_tells_the_story_of_a_log(filled: System, status: str) -> None:
    story = answer(filled, "why", origin(filled, status))
    assert (story["status"], story["away"]) == (status, {})
    assert story["hops"]["MySQL"] == f"logs.{status}_logs"


def test_generated_logs_arrive(filled: System) -> None:
    before = {(row["topic"], row["partition"]): row["next"] for row in answer(filled, "topics")}
    filled.logsieve("generate", "--count", "50")
    after = {(row["topic"], row["partition"]): row["next"] for row in answer(filled, "topics")}
    assert sum(after[place] - before[place] for place in after if place[0] == "server-logs") == 50


def test_a_row_that_is_missing_is_found_and_repaired(filled: System) -> None:
    partition, offset = origin(filled, "bad").split("-")
    filled.root_sql(f"DELETE FROM logs.bad_logs WHERE kafka_partition = {partition} AND kafka_offset = {offset}")
    assert filled.logsieve("reconcile", check=False).returncode == 1
    filled.logsieve("reconcile", "--repair")
    assert all(proof["rows"] == proof["documents"] == proof["keys"] for proof in answer(filled, "reconcile"))


def test_an_account_that_changed_is_judged_again(filled: System) -> None:
    ((account, device),) = filled.root_sql("SELECT account_id, device FROM logs.good_logs LIMIT 1")
    assert answer(filled, "users", str(account))["periods"][-1]["device"] == device
    filled.root_sql(f"UPDATE dim_users.users_history SET user_device = 'another' WHERE account_no = {account}")
    assert answer(filled, "rejudge", "--account", str(account))["sent"] > 0
    assert filled.root_sql(f"SELECT COUNT(*) FROM logs.good_logs WHERE account_id = {account}") == [(0,)]
    filled.root_sql(f"UPDATE dim_users.users_history SET user_device = '{device}' WHERE account_no = {account}")
    filled.logsieve("rejudge", "--account", str(account))


def test_a_command_for_the_embedded_servers_says_so(filled: System) -> None:
    done = filled.logsieve("down", check=False)
    assert done.returncode == 1
    assert "No stack has been started here" in done.stderr
