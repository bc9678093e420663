"""The container engine for these tests: the machine's, or one that is started here, with Compose."""

import json
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from include.settings import Settings
from include.stack.fetch import packages, parts
from include.stack.machine.needs import GIB

OLDEST_COMPOSE: Final = (2, 24)
START_SECONDS: Final = 60
DISK_GIB: Final = 12
_COMPOSE: Final = (["docker-compose-v2"], ["docker-compose"])
"""Compose's package in Ubuntu, and in Debian's suite unstable."""


class NoEngineError(Exception):
    """Why no container can run here."""


class Engine:
    """Runs docker and Compose with the environment of one engine."""

    def __init__(self, variables: dict[str, str]) -> None:
        # Debian's engine has no BuildKit.
        self.variables = {**os.environ, **variables, "DOCKER_BUILDKIT": "0"}
        self.compose: list[str] = []

    def docker(self, *words: str, **options: object) -> str:
        """Runs `docker`; returns its output. Raises subprocess.CalledProcessError with it."""
        run = {"check": True, "capture_output": True, "text": True, "stdin": subprocess.DEVNULL, **options}
        return str(subprocess.run(["docker", *words], env=self.variables, **run).stdout)  # type: ignore[call-overload]

    def answers(self) -> bool:
        """Whether the engine runs."""
        if shutil.which("docker") is None:
            return False
        command = ["docker", "version", "--format", "{{.Server.Version}}"]
        return subprocess.run(command, env=self.variables, capture_output=True).returncode == 0


@contextmanager
def engine() -> Iterator[Engine]:
    """The machine's engine, or else a new one with its data in the parts folder, which is stopped at the end.

    Raises NoEngineError.
    """
    found = Engine({})
    if found.answers():
        if "rootless" in found.docker("info", "--format", "{{.SecurityOptions}}"):
            raise NoEngineError("A rootless engine's containers have no addresses that these tests reach.")
        found.compose = _compose(found)
        yield found
        return
    if shutil.disk_usage(Settings().parts.parent).free < DISK_GIB * GIB:
        raise NoEngineError(f"The images need {DISK_GIB} GiB of free disk.")
    if os.geteuid() != 0:
        raise NoEngineError("No container engine answers, and only root can start one.")
    if not all(map(shutil.which, ("dockerd", "iptables"))):
        install("docker.io", "iptables")
    # Sockets have short paths only.
    with tempfile.TemporaryDirectory(prefix="logsieve-docker-", ignore_cleanup_errors=True) as name:
        made = Engine({"DOCKER_HOST": f"unix://{name}/docker.sock"})
        log = Path(name) / "log"
        with log.open("wb") as output:
            process = subprocess.Popen(_command(Path(name)), stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        try:
            _wait(made, process, log)
            made.compose = _compose(made)
            yield made
        finally:
            process.terminate()
            process.wait(60)


def install(*packages: str) -> None:
    """Installs packages of Debian or Ubuntu. Raises NoEngineError."""
    if shutil.which("apt-get") is None:
        raise NoEngineError(f"This machine lacks {' and '.join(packages)}, and apt-get to install them.")
    for words in (["update"], ["install", "--yes", "--no-install-recommends", *packages]):
        done = subprocess.run(["apt-get", *words], capture_output=True, text=True, stdin=subprocess.DEVNULL)
        if done.returncode != 0:
            raise NoEngineError(f"apt-get {' '.join(words)}: {done.stderr.strip()[-300:]}")


def _command(folder: Path) -> list[str]:
    config = folder / "daemon.json"
    # By default more than this process may have, which a virtual machine or a container can refuse.
    limit = {"Hard": 20_000, "Soft": 20_000}
    ulimits = {name: {"Name": name, **limit} for name in ("nofile", "nproc")}
    config.write_text(json.dumps({"default-ulimits": ulimits}))
    data = Settings().parts / "docker"
    command = ["dockerd", "--config-file", str(config), "--data-root", str(data), "--exec-root", str(folder / "exec")]
    return [*command, "--pidfile", str(folder / "pid"), "--host", f"unix://{folder}/docker.sock"]


def _wait(made: Engine, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not made.answers():
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            raise NoEngineError(f"dockerd does not start: {log.read_text()[-500:]}")
        time.sleep(0.2)


def _compose(found: Engine) -> list[str]:
    """The command of Compose: the plugin, a program of its own, or the distribution's. Raises NoEngineError."""
    home = Settings().parts / "compose"
    program = home / "usr" / "libexec" / "docker" / "cli-plugins" / "docker-compose"
    for command in (["docker", "compose"], ["docker-compose"], [str(program)]):
        if _is_new(command, found.variables):
            return command
    try:
        with parts.whole(home) as folder:
            packages.unpack_newest(folder, *_COMPOSE)
    except packages.PackageError as error:
        raise NoEngineError(f"Docker Compose is not here and cannot be fetched: {error}") from error
    if not _is_new([str(program)], found.variables):
        raise NoEngineError("The distribution's Docker Compose does not start, or is too old.")
    return [str(program)]


def _is_new(command: list[str], variables: dict[str, str]) -> bool:
    try:
        done = subprocess.run([*command, "version", "--short"], capture_output=True, text=True, env=variables)
    except OSError:
        return False
    version = re.match(r"v?(\d+)\.(\d+)", done.stdout)
    return version is not None and (int(version[1]), int(version[2])) >= OLDEST_COMPOSE
