"""A real Kubernetes of one node on this machine: started, used and removed again."""

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import psutil

from include.settings import Settings
from include.stack.ports import free
from tests.integration.stack import until
from tests.kubernetes import network, pki, programs
from tests.kubernetes.build import Built
from tests.kubernetes.layout import NETWORK, NODE, Layout

PREFIX: Final = "node."
"""Of the folder of a node."""
PORTS: Final = ("etcd", "etcd_peers", "manager", "scheduler", "proxy_health", "proxy_metrics")
SOCKETS: Final = Path("/run/logsieve-kubernetes")
"""Sockets have short paths only."""
KUBELET: Final = Path("/var/lib/kubelet")
"""Where a kubelet puts a few files whatever its folder is."""
PODLOGS: Final = Path("/var/log/containers")


class Node:
    """The running node, as its administrator sees it."""

    def __init__(self, built: Built, layout: Layout) -> None:
        self._built, self.layout = built, layout
        self._commands = programs.commands(str(built.knode), str(built.kdns), layout)
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, *names: str) -> None:
        """Starts programs of the node."""
        for name in names:
            with (self.layout.logs / name).open("ab") as log:
                self._running[name] = subprocess.Popen(
                    self._commands[name], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
                )

    def kill(self, *names: str) -> None:
        """Kills programs of the node, as a crash would."""
        for name in names:
            process = self._running.pop(name)
            process.kill()
            process.wait()

    def runs(self, name: str) -> bool:
        """Whether a program was started and not killed."""
        return name in self._running

    def up(self) -> None:
        """Starts everything, and waits until pods can be started."""
        self.start("etcd", "containerd")
        until(lambda: self._ctr("version").returncode == 0, 60, "containerd answers")
        for image in self._built.images:
            done = self._ctr("-n", "k8s.io", "images", "import", str(image))
            assert done.returncode == 0, done.stderr
        self.start("apiserver", "manager", "scheduler", "kubelet", "proxy", "dns")
        self.wait_until_ready()
        until(lambda: self.answers("get", "serviceaccount", "default"), 60, "namespaces have their accounts")

    def wait_until_ready(self) -> None:
        """Waits until the node takes pods."""
        until(lambda: " Ready" in self.answers("get", "node", NODE, "--no-headers"), 120, "the node is ready")

    def down(self) -> None:
        """Stops everything: first what starts pods, then the pods."""
        self._stop("kubelet")
        tasks = self._ctr("-n", "k8s.io", "tasks", "ls", "-q").stdout.split()
        for task in tasks:
            self._ctr("-n", "k8s.io", "tasks", "kill", "-s", "KILL", task)
        for task in tasks:
            with suppress(AssertionError):  # the folder's mounts are removed in any case
                until(lambda task=task: self._ctr("-n", "k8s.io", "tasks", "rm", task).returncode == 0, 3, "it ends")
        for name in reversed([*self._running]):
            self._stop(name)

    def _stop(self, name: str) -> None:
        if process := self._running.pop(name, None):
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def kubectl(self, *words: str, **options: Any) -> str:
        """Runs kubectl as the administrator; returns its output. Raises subprocess.CalledProcessError."""
        return _kubectl(self._built, self.layout, words, **{"check": True, **options}).stdout

    def answers(self, *words: str) -> str:
        """The same; empty if it fails."""
        return _kubectl(self._built, self.layout, words).stdout

    def pods(self, namespace: str, role: str) -> list[dict[str, Any]]:
        """Spark's pods of a role, `driver` or `executor`, that have not ended."""
        selected = ("-l", f"spark-role={role}", "--field-selector", "status.phase!=Succeeded,status.phase!=Failed")
        found = json.loads(self.kubectl("-n", namespace, "get", "pods", "-o", "json", *selected))
        return [pod for pod in found["items"] if "deletionTimestamp" not in pod["metadata"]]

    def log_in(self, namespace: str, account: str) -> Path:
        """Makes a kubeconfig of a service account; returns the file."""
        token = self.kubectl("-n", namespace, "create", "token", account, "--duration=24h").strip()
        return pki.write_kubeconfig(self.layout, account, {"token": token}, namespace)

    def _ctr(self, *words: str) -> subprocess.CompletedProcess[str]:
        address = str(self.layout.sockets / "containerd.sock")
        return subprocess.run(["ctr", "-a", address, *words], capture_output=True, text=True, stdin=subprocess.DEVNULL)


def _kubectl(built: Built, layout: Layout, words: tuple[str, ...], **options: Any) -> subprocess.CompletedProcess[str]:
    command = [str(built.knode), "kubectl", f"--kubeconfig={layout.kubeconfig('admin')}", *words]
    given = {"capture_output": True, "text": True, **options}
    if "input" not in given:
        given["stdin"] = subprocess.DEVNULL
    return subprocess.run(command, **given)


@contextmanager
def running(built: Built) -> Iterator[Node]:
    """The node, until the end; then nothing of it is left."""
    forget()
    with (
        tempfile.TemporaryDirectory(prefix=PREFIX, dir=Settings().parts, ignore_cleanup_errors=True) as name,
        network.bridge(),
    ):
        SOCKETS.mkdir(mode=0o700)
        layout = Layout(Path(name), SOCKETS, free(*PORTS))
        layout.write_configs()
        pki.make(layout)
        made = Node(built, layout)
        try:
            made.up()
            yield made
        finally:
            made.down()
            forget()


def forget() -> None:
    """Removes what is left of this node, or of one whose test was killed: processes, mounts, groups and folders."""
    nodes = str(Settings().parts / PREFIX)
    for process in psutil.process_iter(["cmdline"]):
        # Of containers, the shims are left: each has the socket on its command line.
        if any(nodes in word or str(SOCKETS) in word for word in process.info["cmdline"] or ()):
            with suppress(psutil.NoSuchProcess):
                process.kill()
                process.wait(10)
    remove_mounts(nodes, f"{SOCKETS}/")
    remove_groups()
    for old in Settings().parts.glob(f"{PREFIX}*"):
        shutil.rmtree(old, ignore_errors=True)
    for folder in (SOCKETS, KUBELET, *Path("/var/lib/cni/results").glob(f"{NETWORK}-*")):
        shutil.rmtree(folder, ignore_errors=True)
    for link in PODLOGS.glob("*"):
        if not link.exists():
            link.unlink()
    with suppress(OSError):  # somebody else's
        PODLOGS.rmdir()


def remove_mounts(*paths: str) -> None:
    """Unmounts everything whose path begins like this, and the network namespaces of pods."""
    places = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    below = [place for place in places if place.startswith(paths)]
    below += [place for place in places if Path(place).name.startswith("cni-")]
    for place in sorted(set(below), reverse=True):
        subprocess.run(["umount", "--lazy", place], capture_output=True)
    for file in Path("/run/netns").glob("cni-*"):
        file.unlink(missing_ok=True)


def remove_groups() -> None:
    """Removes the kubelet's groups of processes."""
    for group in Path("/sys/fs/cgroup").glob("*/kubepods"):
        for folder, _, _ in os.walk(group, topdown=False):
            with suppress(OSError):
                Path(folder).rmdir()
