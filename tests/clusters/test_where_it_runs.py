"""The stream runs on the executors of a cluster, and its secrets show nowhere."""

import socket

import psutil
import pytest

from tests.clusters import cluster
from tests.integration.stack import Stack, drivers, until, wait_until_it_loads


def loaders(process: psutil.Process) -> list[psutil.Process]:
    """The Python processes of an executor that execute tasks."""
    return [
        worker
        for daemon in process.children()
        if "pyspark.daemon" in " ".join(daemon.cmdline())
        for worker in daemon.children()
    ]


def test_load_is_spread_over_executors_in_two_processes(stack: Stack) -> None:
    wait_until_it_loads(stack)
    found = cluster.executors(stack)
    assert len(found) == 2
    until(lambda: sum(map(len, map(loaders, found))) >= 2, 60, "a Python process loads each partition")


def test_no_password_is_on_a_command_line_or_in_a_variable(stack: Stack) -> None:
    """Of any process of the cluster, nor of a driver."""
    wait_until_it_loads(stack)
    secrets = [stack.passwords[name] for name in ("kafka_stream", "mysql_stream", "spark")]
    for process in (*cluster.executors(stack), *cluster.processes(stack, cluster.MANAGERS)):
        # A standalone cluster hands its own secret to executors in this variable, which other users cannot read.
        variables = [value for name, value in process.environ().items() if name != "_SPARK_AUTH_SECRET"]
        shown = " ".join([*process.cmdline(), *variables])
        assert not [secret for secret in secrets if secret in shown], process.cmdline()[:3]
    for driver in drivers(stack):
        assert not [secret for secret in secrets if secret in " ".join(driver.cmdline())]


def test_files_with_secrets_can_be_read_by_their_user_only(stack: Stack) -> None:
    if stack.env.engine == "kubernetes":
        pytest.skip("there are no such files: the secrets are Kubernetes' own")
    found = [path for path in (stack.state / "cluster").iterdir() if path.name.startswith("logsieve-settings")]
    assert found
    for path in (*found, stack.state / "cluster", stack.state / "spark" / "conf" / "spark-defaults.conf"):
        assert path.stat().st_mode & 0o077 == 0, path


def test_a_stranger_is_refused_by_the_master(stack: Stack) -> None:
    if stack.env.engine != "spark":
        pytest.skip("YARN without Kerberos refuses nobody: docs/cluster.md")
    body = b"\xac\xed\x00\x05 an object of Java's"
    request = (3).to_bytes(1, "big") + (1).to_bytes(8, "big") + len(body).to_bytes(4, "big") + body
    with socket.create_connection(("127.0.0.1", stack.ports["spark"]), timeout=10) as stranger:
        stranger.sendall((8 + len(request)).to_bytes(8, "big") + request)
        answer = stranger.recv(4096)
        assert b"Expected" in answer or not answer, answer
