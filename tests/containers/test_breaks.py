"""Upgrades, lost volumes, wrong secrets, taken ports and full disks: what an operator meets sooner or later."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from include.stack.containers.compose_env import COMMAND
from tests.containers.flow import Flow
from tests.containers.system import IMAGE, PROJECT, TAG, System, until

NEXT = "test-next"
FULL = {"kafka": "/var/lib/kafka/data", "mysql": "/var/lib/mysql"}


def test_another_image_takes_over(system: System) -> None:
    flow = Flow(system)
    (system.folder / "next").mkdir(exist_ok=True)
    (system.folder / "next" / "Dockerfile").write_text(f"FROM {IMAGE}:{TAG}\nLABEL next=1\n")
    system.engine.docker("build", "--quiet", "--tag", f"{IMAGE}:{NEXT}", str(system.folder / "next"))
    system.tag = NEXT
    system.up()
    assert system.inspect("airflow-scheduler")["Config"]["Labels"]["next"] == "1"
    flow.arrive()


def test_a_lost_volume_of_elasticsearch_is_filled_again(system: System) -> None:
    flow = Flow(system)
    flow.arrive()
    system.compose("rm", "--stop", "--force", "elasticsearch")
    system.engine.docker("volume", "rm", f"{PROJECT}_elasticsearch")
    system.up()
    assert system.logsieve("reconcile", check=False).returncode == 1, "the documents are gone"
    system.logsieve("reconcile", "--repair")
    system.wait_until_healthy()
    flow.prove()


@contextmanager
def broken_env(system: System, old: str, new: str) -> Iterator[None]:
    """A text of .env.compose is replaced, and `compose-env` run."""
    file = system.folder / ".env.compose"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))
    system.compose_env()
    yield
    file.write_text(text)
    system.compose_env()


def test_a_password_that_is_not_the_volumes_is_named(system: System) -> None:
    password = system.values["MYSQL_ROOT_PASSWORD"]
    with broken_env(system, password, "wrong"):
        done = system.compose("up", "--detach", "--wait", check=False)
        assert done.returncode != 0
        assert 'service "prepare-mysql" didn\'t complete successfully' in done.stderr
        said = system.compose("logs", "--no-log-prefix", "--tail", "2", "prepare-mysql").stdout
        assert said.startswith("MySQL refuses root")
        assert "→ If a password is rejected: volumes keep the passwords of their first start. Restore that" in said
        assert f"{COMMAND} down --volumes" in said
    system.up()
    Flow(system, logs=100).arrive()


def test_a_secret_that_is_missing_is_named(system: System) -> None:
    (system.folder / ".secrets" / "mysql_root_password").unlink()
    done = system.compose("up", "--detach", "--force-recreate", "--no-deps", "prepare-mysql", check=False)
    assert done.returncode != 0
    assert ".secrets/mysql_root_password" in done.stderr.splitlines()[-1]
    system.compose_env()
    system.up()


def test_variables_that_are_missing_are_named_with_the_remedy(system: System) -> None:
    done = system.compose("config", "--quiet", check=False, env_file="/dev/null")
    assert done.returncode != 0
    assert "run ./logsieve compose-env" in done.stderr.splitlines()[-1]


def test_a_port_that_is_taken_is_named(system: System) -> None:
    port = int(system.values["LOGSIEVE_PORT_AIRFLOW"])
    system.compose("stop", "airflow-api-server")
    with socket.create_server(("127.0.0.1", port)):
        done = system.compose("up", "--detach", "--wait", check=False)
    assert done.returncode != 0
    assert f"127.0.0.1:{port}" in done.stderr.splitlines()[-1]
    assert "in use" in done.stderr.splitlines()[-1]
    system.up()
    Flow(system, logs=100).arrive()


@pytest.mark.parametrize("service", FULL)
def test_a_full_disk_stops_and_loses_nothing(system: System, service: str) -> None:
    if not system.has_small_volumes:
        pytest.skip("Only root can make a small file system.")
    flow = Flow(system, logs=2000, rate=100)
    system.inside(service, f"dd if=/dev/zero of={FULL[service]}/ballast bs=1M status=none || true")
    until(lambda: system.health(service) != "healthy" or not system.drained(), 120, "a full disk is felt")
    volume = f"{PROJECT}_{service}:/full"
    image = system.inspect(service)["Config"]["Image"]
    command = ["run", "--rm", "--network", "none", "--volume", volume, "--entrypoint", "rm"]
    system.engine.docker(*command, image, "/full/ballast")
    flow.arrive()
