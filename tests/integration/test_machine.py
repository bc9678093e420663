"""The stack runs in its own environment, though started from a hostile shell in an odd folder, and no server has more
variables than it needs."""

import json
import os
import re
import shlex
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import psutil
import psycopg2
import pytest

from include.settings import ROOT, Settings
from include.stack.environment import Environment
from include.stack.errors import StackError
from include.stack.machine import lock
from include.stack.machine.needs import SERVERS
from include.stack.ports import free_ports
from include.stack.run import ownership, supervisor
from include.stack.servers import probes, server_users, tools
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
STRANGER = 64_999
"""The id of a user who runs nothing here."""


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
    assert {*SERVERS, "indexer", "airflow-scheduler", "watchdog"} <= seen
    assert [java for java in drivers(stack) if HOSTILE["SPARK_CONF_DIR"] not in java.environ().values()]


def test_neither_servers_nor_supervisord_have_secrets(stack: Stack) -> None:
    secrets = [*stack.passwords.values(), PROXIED["HTTPS_PROXY"]]
    supervisord = supervisor.process_of(stack.env)
    assert supervisord is not None
    servers = [(name, variables) for name, variables in environments(stack) if name in SERVERS]
    for name, variables in [*servers, ("supervisord", supervisord.environ())]:
        assert not [secret for secret in secrets if secret in "\0".join(variables.values())], name


def test_no_other_user_can_read_a_file_of_the_state(stack: Stack) -> None:
    inside = paths_in(stack.state)
    assert {"stack.json", "accounts.csv", "server.properties", "mysql.ibd"} <= {path.name for path in inside}
    if os.geteuid() == 0:  # only root can try it as another user
        assert allowed("-r", inside, user=STRANGER, group=STRANGER, extra_groups=[]) == set()
    for path in stack.state.iterdir():
        closed = 0o007 if os.geteuid() == 0 and path.name in SERVERS else 0o077
        assert stat.S_IMODE(path.stat().st_mode) & closed == 0, path


@pytest.mark.parametrize("server", SERVERS)
def test_a_server_can_write_its_data_only_and_read_nothing_of_the_others(stack: Stack, server: str) -> None:
    process = psutil.Process(supervisor.proxy(stack.env).getProcessInfo(server)["pid"])
    if os.geteuid() != 0:
        assert process.uids().effective == os.geteuid(), "it has the rights of whoever started the stack"
        return
    assert process.username() == f"logsieve-{server}"
    own, by_server = stack.state / server, server_users.as_user_of(server)
    inside = [path for folder in (stack.state, stack.env.settings.parts, ROOT / "include") for path in paths_in(folder)]
    writable = allowed("-w", inside, **by_server)
    assert {own / "data", own / "logs", own / "tmp"} <= writable
    assert {path for path in writable if path.relative_to(own).parts[0] not in ("data", "logs", "tmp")} == set()
    readable = allowed("-r", paths_in(stack.state), **by_server)
    assert {path for path in readable if not path.is_relative_to(own)} == set()


def paths_in(folder: Path) -> list[Path]:
    """Every folder and file in the folder; os.walk goes on when one has been removed meanwhile."""
    return [Path(found, name) for found, folders, files in os.walk(folder) for name in (*folders, *files)]


def allowed(test: str, paths: list[Path], **as_user: Any) -> set[Path]:
    """Those of the paths, except links, that a user may read (-r) or write (-w)."""
    tries = f'while IFS= read -r path; do [ {test} "$path" ] && [ ! -L "$path" ] && echo "$path"; done; true'
    done = subprocess.run(
        ["/bin/sh", "-c", tries], input="\n".join(map(str, paths)) + "\n", cwd="/", capture_output=True, text=True,
        check=True, **as_user,
    )  # fmt: skip
    return set(map(Path, done.stdout.splitlines()))


def test_a_program_that_its_server_cannot_read_is_copied_to_where_it_can(stack: Stack, tmp_path: Path) -> None:
    """As when root's umask is 077, or the clone is in root's home folder."""
    unpacked = tmp_path / "made-for-root-1.0"
    (unpacked / "bin").mkdir(parents=True, mode=0o700)
    (unpacked / "bin" / "run").write_text("#!/bin/sh\necho runs\n")
    (unpacked / "bin" / "run").chmod(0o700)
    folder = server_users.program(stack.env, "kafka", unpacked)
    if os.geteuid() != 0:
        assert folder == unpacked
        return
    assert folder == stack.state / "kafka" / unpacked.name
    tools.run(stack.env, "kafka", [str(folder / "bin" / "run")], "It does not run")
    with pytest.raises(StackError, match="cannot write: "):
        tools.run(stack.env, "kafka", ["/bin/sh", "-c", f"echo > {shlex.quote(str(folder / 'new'))}"], "cannot write")
    shutil.rmtree(folder)


def test_data_that_root_had_written_belongs_to_the_server_then(stack: Stack, tmp_path: Path, monkeypatch) -> None:
    """Also if its user cannot reach the state: then the data moves."""
    monkeypatch.setattr(Settings, "outside", tmp_path / "outside")
    env = Environment(Settings(state=tmp_path / "state"), stack.env.ports, {})
    segment = Path("server-logs-0", "00000000000000000000.log")
    (env.state / "kafka" / "data" / segment).parent.mkdir(parents=True)
    (env.state / "kafka" / "data" / segment).write_text("a log")
    folder = server_users.prepare(env, "kafka")
    assert (folder / "data" / segment).read_text() == "a log"
    assert (folder / "data" / segment).owner() == (server_users.user_of("kafka") or env.state.owner())
    assert folder == (env.settings.outside if os.geteuid() == 0 else env.state) / "kafka"


LISTENS = 0x10000
"""Flag in /proc/net/unix."""


def unix_sockets(stack: Stack) -> set[Path]:
    """The sockets with a path on which the stack's processes listen. (psutil drops paths with spaces.)"""
    paths = {}
    for line in Path("/proc/net/unix").read_text().splitlines()[1:]:
        *_, flags, _, _, inode, path = [*line.split(maxsplit=7), ""][:8]
        if path and int(flags, 16) & LISTENS:
            paths[f"socket:[{inode}]"] = path
    found = set()
    for process in ownership.own_processes(stack.env):
        with suppress(psutil.NoSuchProcess, FileNotFoundError):  # it has exited meanwhile
            opened = {str(descriptor.readlink()) for descriptor in Path(f"/proc/{process.pid}/fd").iterdir()}
            # A process may name its socket from the folder that it works in.
            found |= {Path(process.cwd(), paths[name]) for name in opened & paths.keys()}
    return found


def test_no_other_user_reaches_a_unix_socket(stack: Stack) -> None:
    found = unix_sockets(stack)
    # The JVM's own ones, for debuggers: Elasticsearch opens one. Java has renamed it since.
    of_java = {path.with_suffix("") for path in found if path.name.startswith(".java_pid")}
    servers = {path for path in found if not path.name.startswith(".java_pid")}
    mysql, postgres = (stack.state / server for server in ("mysql", "postgres"))
    assert servers == {mysql / "data" / "mysql.sock", postgres / "tmp" / ".s.PGSQL.5432"}
    for socket in servers:
        assert stat.S_IMODE(socket.parent.stat().st_mode) & 0o077 == 0, socket
    for socket in of_java:
        assert stat.S_IMODE(socket.stat().st_mode) & 0o077 == 0, socket
    if os.geteuid() == 0:  # only root can try it as another user
        for server in SERVERS:
            mine = {socket for socket in servers if socket.is_relative_to(stack.state / server)}
            assert allowed("-w", list(servers), **server_users.as_user_of(server)) == mine
        assert allowed("-w", [*servers, *of_java], user=STRANGER, group=STRANGER, extra_groups=[]) == set()


def test_airflow_cannot_run_programs_as_postgresql(stack: Stack) -> None:
    refused = pytest.raises(psycopg2.errors.InsufficientPrivilege)
    with closing(probes.postgres_connection(stack.env)) as connection, connection.cursor() as cursor, refused:
        cursor.execute("COPY (SELECT 1) TO PROGRAM 'true'")


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
