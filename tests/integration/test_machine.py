"""The stack runs in its own environment, though started from a hostile shell in an odd folder, and no server has more
variables than it needs."""

import json
import os
import re
import stat
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import psutil
import pytest

from include.settings import ROOT
from include.stack.environment import free_ports
from include.stack.machine import lock
from include.stack.run import supervisor
from tests.hostile import HOSTILE, PROXIED
from tests.integration.stack import Stack, drivers, until, wait_until_it_loads

KNOWN = """
import json, pathlib, sys
from include.settings import Settings
from include.stack.run import ownership
from include.stack.environment import load
print(json.dumps([process.pid for process in ownership.own_processes(load(Settings(state=pathlib.Path(sys.argv[1]))))]))
"""
"""Prints the ids of the stack's processes, as seen by the user who runs this."""
KNOW_NOTHING = ("kafka", "mysql", "elasticsearch", "postgres")


def environments(stack: Stack) -> Iterator[tuple[str, dict[str, str]]]:
    """The environment of each running process, with the name of its program."""
    for program in supervisor.proxy(stack.env).getAllProcessInfo():
        root = psutil.Process(program["pid"])
        for process in (root, *root.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):  # it has exited meanwhile
                if variables := process.environ():
                    yield program["name"], variables


def test_no_process_inherits_anything_from_the_shell(stack: Stack) -> None:
    wait_until_it_loads(stack)
    seen = set()
    for name, variables in environments(stack):
        seen.add(name)
        # spark-submit sets some of these names itself, to its own values.
        assert {item for item, value in variables.items() if HOSTILE.get(item) == value} == set(), name
        assert variables["LOGSIEVE_STACK"] == str(stack.state), name
    assert {*KNOW_NOTHING, "indexer", "airflow-scheduler", "watchdog"} <= seen
    assert [java for java in drivers(stack) if HOSTILE["SPARK_CONF_DIR"] not in java.environ().values()]


def test_neither_servers_nor_supervisord_have_secrets(stack: Stack) -> None:
    secrets = [*stack.passwords.values(), PROXIED["HTTPS_PROXY"]]
    supervisord = supervisor.process_of(stack.env)
    assert supervisord is not None
    servers = [(name, variables) for name, variables in environments(stack) if name in KNOW_NOTHING]
    for name, variables in [*servers, ("supervisord", supervisord.environ())]:
        assert not [secret for secret in secrets if secret in "\0".join(variables.values())], name


def test_files_of_servers_are_readable_by_their_owner_only(stack: Stack) -> None:
    for name in ("logs/kafka.log", "kafka/data/server-logs-0", "programs/airflow-scheduler.sh"):
        assert stat.S_IMODE((stack.state / name).stat().st_mode) & 0o077 == 0, name


def test_json_is_json_in_a_shell_that_forces_colours(stack: Stack) -> None:
    for command in (("status", "--json"), ("doctor", "--json"), ("topics", "--json")):
        json.loads(stack.run(*command).stdout)


def test_nothing_is_truncated_at_80_columns(stack: Stack) -> None:
    for command in (("reconcile",), ("status",), ("topics",), ("doctor",), ("users", "684")):
        printed = stack.run(*command, COLUMNS="80").stdout
        assert "…" not in printed, printed
        tables = [line for line in printed.splitlines() if re.match("[┃│┏┡├└]", line)]
        assert tables
        assert max(map(len, tables)) <= 80


def test_down_ends_an_up_that_is_still_running(stack: Stack, tmp_path) -> None:
    """The up waits, before it has started anything, until another process has fetched the parts."""
    parts, state = tmp_path / "parts", tmp_path / "state"
    places = {"LOGSIEVE_STATE": str(state), "LOGSIEVE_PARTS": str(parts)}
    ports = {f"LOGSIEVE_PORT_{name.upper()}": str(port) for name, port in free_ports().items()}
    with lock.held(parts / "lock", "fetching", print), ThreadPoolExecutor() as pool:
        up = pool.submit(stack.run, "up", **places, **ports)
        until(lambda: (state / "stack.json").exists(), 60, "it has started")
        down = stack.run("down", **places)
        assert down.returncode == 0, down.stderr
        assert "Stopping ./logsieve up" in down.stderr
        ended = up.result()
    assert ended.returncode != 0
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("name", ["state: of two", "a#b", "100%", "one,two"])
def test_a_folder_that_a_server_cannot_read_is_refused_before_anything_starts(stack: Stack, tmp_path, name) -> None:
    for variable in ("LOGSIEVE_STATE", "LOGSIEVE_PARTS"):
        done = stack.run("up", **{"LOGSIEVE_STATE": str(tmp_path / "state"), variable: str(tmp_path / name)})
        assert done.returncode == 1
        assert "LOGSIEVE_STATE" in done.stderr
        assert "Traceback" not in done.stderr
        assert not list(tmp_path.iterdir()), "nothing was created or fetched"


def test_workers_that_hide_are_found_without_roots_rights(stack: Stack) -> None:
    """Airflow's workers and another user's processes; also by root in a container, which may not inspect them."""
    wait_until_it_loads(stack)
    scheduler = psutil.Process(supervisor.proxy(stack.env).getProcessInfo("airflow-scheduler")["pid"])
    workers = {worker.pid for worker in scheduler.children()}
    drop = ["setpriv", "--bounding-set=-sys_ptrace"] if os.geteuid() == 0 else []
    command = [*drop, sys.executable, "-c", KNOWN, str(stack.state)]
    known = set(json.loads(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout))
    assert {program["pid"] for program in supervisor.proxy(stack.env).getAllProcessInfo()} <= known
    assert {worker.pid for worker in scheduler.children()} & workers <= known
    assert workers
    assert os.getpid() not in known
