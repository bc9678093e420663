"""The images of the compose file, where no registry can be reached: the same servers, from packages and jars.

Each is built once, for the hash of its recipe and of what it contains, and gets the name that the file uses only if no
other image has it.
"""

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import yaml

from include.settings import ROOT, Settings
from include.stack.fetch import parts
from tests.containers.engine import Engine, NoEngineError, install

RECIPES: Final = Path(__file__).with_name("images")
OURS: Final = "logsieve-test"
"""Repository of these images. Those of the compose file get a second name."""
AUTHORITIES: Final = Path("/usr/local/share/ca-certificates")
_PACKAGES: Final = "python3,python3-venv,curl,ca-certificates,dumb-init"
PULL_SECONDS: Final = 600


def names() -> dict[str, str]:
    """The name in the compose file of each image of others, by recipe."""
    text = (ROOT / "docker-compose.airflow.yml").read_text()
    services = yaml.safe_load(text)["services"]
    wanted = {name: services[name]["image"] for name in ("kafka", "mysql", "elasticsearch", "postgres")}
    (base,) = (line for line in (ROOT / "Dockerfile").read_text().splitlines() if line.startswith("ARG BASE="))
    return {**wanted, "airflow": base.removeprefix("ARG BASE="), "logstash": services["logstash"]["image"],
            "kibana": services["kibana"]["image"]}  # fmt: skip


def ensure(engine: Engine, *recipes: str) -> dict[str, str]:
    """Pulls or builds what the compose file names, or only some of it; returns by recipe what each is: `pulled` or
    `built here`."""
    found: dict[str, str] = {}
    for recipe, name in names().items():
        if recipes and recipe not in recipes:
            continue
        # If a registry did not have one, it is not asked for the others.
        if _is_here(engine, name) or ("built here" not in found.values() and _pull(engine, name)):
            found[recipe] = "pulled"
            continue
        image = _build(engine, recipe if (RECIPES / recipe).is_dir() else "absent")
        engine.docker("tag", image, name)
        found[recipe] = "built here"
    return found


def forget(engine: Engine, found: dict[str, str]) -> None:
    """Removes the names of the images that were built here, so that nobody takes one for the official one."""
    for recipe, what in found.items():
        if what == "built here":
            engine.docker("rmi", "--no-prune", names()[recipe])


def _is_here(engine: Engine, name: str) -> bool:
    """Whether the engine has the official image."""
    tags = _inspect(engine, name, "{{.RepoTags}}")
    return bool(tags) and OURS not in tags


def _pull(engine: Engine, name: str) -> bool:
    try:
        engine.docker("pull", "--quiet", name, timeout=PULL_SECONDS)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        return False
    return True


def _inspect(engine: Engine, name: str, what: str) -> str:
    try:
        return engine.docker("image", "inspect", "--format", what, name)
    except subprocess.CalledProcessError:
        return ""


def _build(engine: Engine, recipe: str) -> str:
    """Builds an image and those below it, unless there is one of the same recipes; returns its name."""
    image = f"{OURS}/{recipe}:{_hash(recipe)}"
    if not _inspect(engine, image, "{{.Id}}"):
        below = _below(recipe)
        base = _bootstrap(engine) if below == "bootstrapped" else _build(engine, below)
        engine.docker("tag", base, f"{OURS}/{below}")
        with tempfile.TemporaryDirectory(dir=Settings().parts) as name:
            folder = Path(name) / "context"
            shutil.copytree(RECIPES / recipe, folder)
            _fill(recipe, folder)
            build(engine, image, folder)
    return image


def build(engine: Engine, image: str, folder: Path, *words: str) -> None:
    """Builds the Dockerfile of a folder, with the network, mirror and proxies of this machine."""
    passed = [name for name in ("UV_DEFAULT_INDEX", "http_proxy", "https_proxy", "no_proxy") if os.environ.get(name)]
    arguments = [word for name in passed for word in ("--build-arg", name)]
    engine.docker("build", "--quiet", "--network", "host", *arguments, *words, "--tag", image, str(folder))


def _fill(recipe: str, folder: Path) -> None:
    """Adds to a build's folder what its recipe takes from this machine."""
    if recipe == "debian":
        (folder / "certificates").mkdir()
        for file in AUTHORITIES.glob("*.crt"):
            shutil.copy(file, folder / "certificates")
    if recipe == "kafka":
        shutil.copytree(parts.fetch_jars(Settings().parts) / "kafka", folder / "jars")
    if recipe == "elasticsearch":
        parts.unpack_elasticsearch(parts.fetch_jars(Settings().parts), folder / "unpacked").rename(folder / "home")


def _hash(recipe: str) -> str:
    made = hashlib.sha256(b"".join(_sources(recipe)))
    return made.hexdigest()[:12]


def _below(recipe: str) -> str:
    """The recipe that this one builds on."""
    return (RECIPES / recipe / "Dockerfile").read_text().partition(f"FROM {OURS}/")[2].split()[0]


def _sources(recipe: str) -> Iterator[bytes]:
    for file in sorted((RECIPES / recipe).iterdir()):
        yield file.read_bytes()
    if recipe in ("kafka", "elasticsearch"):
        yield parts.IVY_XML.read_bytes()
    below = _below(recipe)
    yield from _sources(below) if below != "bootstrapped" else (_PACKAGES.encode(), *_authorities())


def _authorities() -> Iterator[bytes]:
    for file in sorted(AUTHORITIES.glob("*.crt")):
        yield file.read_bytes()


def _bootstrap(engine: Engine) -> str:
    """Debian 12 from its packages."""
    image = f"{OURS}/bootstrapped:latest"
    if not _inspect(engine, image, "{{.Id}}"):
        if shutil.which("mmdebstrap") is None:
            install("mmdebstrap")
        with tempfile.TemporaryDirectory(dir=Settings().parts) as name:
            archive = Path(name) / "debian.tar"
            command = ["mmdebstrap", "--quiet", "--variant=minbase", f"--include={_PACKAGES}", "bookworm", str(archive)]
            done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
            if done.returncode != 0:
                raise NoEngineError(f"mmdebstrap: {done.stderr.strip()[-500:]}")
            engine.docker("import", str(archive), image)
    return image
