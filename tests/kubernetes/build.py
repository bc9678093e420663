"""What the node runs: Kubernetes from its Go modules, Debian's containerd, and our image. Built once for each source.

No registry of images and no mirror of Kubernetes' programs is needed.
"""

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from include.settings import ROOT, Settings
from include.stack.fetch import parts
from include.stack.machine.needs import GIB
from tests.containers import images
from tests.containers.engine import Engine, NoEngineError, engine, install
from tests.containers.system import IMAGE, TAG
from tests.kubernetes.layout import PAUSE

GO: Final = Path(__file__).with_name("go")
VERSION: Final = "v1.34.4"
"""Of Kubernetes, as in go/node/go.mod."""
DISK_GIB: Final = 25
PACKAGES: Final = {
    "containerd": "containerd", "runc": "runc", "iptables": "iptables", "conntrack": "conntrack", "openssl": "openssl",
    "ip": "iproute2", "/usr/lib/cni/bridge": "containernetworking-plugins",
}  # fmt: skip
"""What a program comes in, in Debian and Ubuntu."""
KUBELET_OF_ANOTHER: Final = Path("/var/lib/kubelet/config.yaml")


class NoKubernetesError(Exception):
    """Why no Kubernetes can run here."""


@dataclass(frozen=True)
class Built:
    """Programs, and archives of images."""

    knode: Path
    """All of Kubernetes, by its first argument: kube-apiserver, kubelet, kubectl, etcd …"""
    kdns: Path
    images: tuple[Path, ...]
    image: str
    """Name of our image there."""


def build() -> Built:
    """Installs packages, and builds what is missing in the parts folder. Raises NoKubernetesError."""
    if os.geteuid() != 0:
        raise NoKubernetesError("Only root can start a node of Kubernetes.")
    if KUBELET_OF_ANOTHER.exists():
        raise NoKubernetesError("This machine is a node of another Kubernetes.")
    if shutil.which("go") is None:
        raise NoKubernetesError("Kubernetes is built from its Go modules, and there is no Go.")
    if shutil.disk_usage(Settings().parts.parent).free < DISK_GIB * GIB:
        raise NoKubernetesError(f"The build needs {DISK_GIB} GiB of free disk.")
    try:
        if missing := [package for program, package in PACKAGES.items() if shutil.which(program) is None]:
            install(*missing)
        programs = _programs()
        with engine() as docker:
            archive = _images(docker, programs)
    except NoEngineError as error:
        raise NoKubernetesError(str(error)) from error
    return Built(programs / "node", programs / "dns", (archive,), f"{IMAGE}:{TAG}")


def _programs() -> Path:
    """The folder of the Go programs."""
    digest = hashlib.sha256(VERSION.encode() + b"".join(_sources())).hexdigest()[:12]
    target = Settings().parts / f"kubernetes-{digest}"
    if not target.exists():
        with parts.whole(target) as folder:
            for source in sorted(GO.iterdir()):
                go(source, "mod", "download")
            for source in sorted(GO.iterdir()):
                go(source, "build", "-trimpath", "-ldflags", _stamps(), "-o", str(folder / source.name), ".")
    return target


def _sources() -> Iterator[bytes]:
    for file in sorted(GO.rglob("*")):
        if file.is_file():
            yield file.read_bytes()


def go(folder: Path, *words: str) -> None:
    variables = {**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly -buildvcs=false"}
    done = subprocess.run(["go", *words], cwd=folder, env=variables, capture_output=True, text=True)
    if done.returncode != 0:
        raise NoKubernetesError(f"go {words[0]} in {folder.name}: {done.stderr.strip()[-500:]}")


def _stamps() -> str:
    """Linker options with the version, which the programs compare with each other's."""
    major, minor, _ = VERSION.removeprefix("v").split(".")
    values = {"gitVersion": VERSION, "gitMajor": major, "gitMinor": minor, "gitTreeState": "clean"}
    modules = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
    return " ".join(["-s -w", *(f"-X {module}.{name}={value}" for module in modules for name, value in values.items())])


def _images(docker: Engine, programs: Path) -> Path:
    """The archive of our image, built as for the compose file, and of the one that holds a pod's namespaces."""
    ours = f"{IMAGE}:{TAG}"
    with ExitStack() as held:
        held.callback(images.forget, docker, images.ensure(docker, "airflow"))
        images.build(docker, ours, ROOT)
    with tempfile.TemporaryDirectory(dir=Settings().parts) as name:
        shutil.copy(programs / "pause", name)
        recipe = 'FROM scratch\nCOPY pause /\nUSER 65535:65535\nENTRYPOINT ["/pause"]\n'
        (Path(name) / "Dockerfile").write_text(recipe)
        images.build(docker, PAUSE, Path(name))
    number = docker.docker("image", "inspect", "--format", "{{.Id}}", ours).strip().removeprefix("sha256:")[:12]
    archive = Settings().parts / "kubernetes-images" / f"{number}.tar"
    if not archive.exists():
        shutil.rmtree(archive.parent, ignore_errors=True)  # of earlier sources, 2 GB each
        archive.parent.mkdir()
        docker.docker("save", "--output", f"{archive}.part", PAUSE, ours)
        Path(f"{archive}.part").rename(archive)
    return archive
