"""The commands for developing Logsieve: `test` and `lock`."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import typer
from rich.console import Console

from include.settings import ROOT
from include.stack.commands.terminal import PASS_ON, out
from include.stack.errors import StackError

app = typer.Typer()

_PYTEST = [sys.executable, "-m", "pytest", "-q"]
_TWO_STACKS = ["-p", "no:randomly", "-n", "2", "--dist", "loadfile", "--no-loadscope-reorder"]
"""Two processes, each with a stack; the tests of a file share one."""
_RUNNING = ["tests/chaos", "tests/browser", "tests/integration"]
"""Tests that need running servers; tests/conftest.py orders their files."""
_ON_A_CLUSTER = [
    "-p", "no:randomly", "--durations=10", "--maxfail=5", "tests/clusters",
    *(f"tests/integration/test_{name}.py" for name in ("healthy", "users_changed", "replay", "partitions")),
]  # fmt: skip
"""Tests of clusters, and the main paths of the others."""
CHECKS = {
    "lint": [
        [sys.executable, "-m", "ruff", "check", "."],
        [sys.executable, "-m", "ruff", "format", "--check", "."],
        [sys.executable, "-m", "mypy", "include", "jobs", "dags", "plugins", "bench"],
        [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"],
    ],
    "unit": [[*_PYTEST, "-n", "2", "tests/unit"]],
    "dags": [[*_PYTEST, "tests/dags"]],
    # The second ones have another contract, and so another JVM.
    "spark": [[*_PYTEST, "tests/spark"], [*_PYTEST, "tests/contracts"]],
    # --maxfail, because with a broken stack each test takes minutes to fail.
    "integration": [[*_PYTEST, *_TWO_STACKS, "--durations=40", "--maxfail=5", *_RUNNING]],
    "compose": [[*_PYTEST, "-p", "no:randomly", "--durations=5", "tests/containers/test_up.py"]],
    "containers": [[*_PYTEST, "-p", "no:randomly", "--durations=40", "--maxfail=5", "tests/containers"]],
    "standalone": [[*_PYTEST, *_ON_A_CLUSTER, "--engine", "spark"]],
    "yarn": [[*_PYTEST, *_ON_A_CLUSTER, "--engine", "yarn"]],
    "kubernetes": [[*_PYTEST, *_ON_A_CLUSTER, "tests/kubernetes", "--engine", "kubernetes"]],
    "bench": [[*_PYTEST, "tests/bench"]],
}
BY_NAME = {
    "containers": "it breaks the containers in all ways, which takes 20 minutes",
    "standalone": "it starts a stack with a Spark cluster, which takes ten minutes",
    "yarn": "it starts a stack with YARN, which takes 15 minutes",
    "kubernetes": "it builds a Kubernetes, which takes 15 minutes the first time, and starts a stack with it",
    "bench": "it starts a driver for each contestant, which takes minutes",
}
"""Parts that run only when named, and the reason."""


@app.command(context_settings=PASS_ON)
def test(context: typer.Context) -> None:
    """Runs checks and tests, cheapest first: all, or the named ones.

    lint, unit, dags, spark, integration, compose (builds the containers, starts them once), containers (also breaks
    them), standalone, yarn and kubernetes (the stream on a cluster), bench.
    """
    raise typer.Exit(run_tests(context.args, out))


def run_tests(args: Sequence[str], console: Console) -> int:
    """Runs the named parts, or all except BY_NAME; passes other arguments to pytest. Returns 0 if all pass, else 1."""
    from include.stack.fetch import browser

    named = [name for name in args if name in CHECKS]
    names = named or [name for name in CHECKS if name not in BY_NAME]
    extra = [arg for arg in args if arg not in CHECKS]
    if not named and extra and not extra[0].startswith("-"):
        raise StackError(f"There are no tests named {extra[0]!r}.", f"Choose from: {', '.join(CHECKS)}.")
    red = []
    for name in names:
        begin = time.monotonic()
        console.rule(f"{name}")
        if name in ("integration", "compose", "containers"):
            browser.ensure(console)
        for command in CHECKS[name]:
            words = [*command, *(extra if "pytest" in command else [])]
            if subprocess.run(words, cwd=ROOT, stdin=subprocess.DEVNULL).returncode != 0:
                red.append(name)
        console.print(f"{name}: {'red' if name in red else 'green'} after {time.monotonic() - begin:.0f} s")
    for name, why in BY_NAME.items():
        if name not in names:
            console.print(f"{name}: not run, {why}: ./logsieve test {name}")
    console.rule("red: " + ", ".join(dict.fromkeys(red)) if red else "all green")
    return 1 if red else 0


@app.command()
def lock() -> None:
    """Regenerates requirements.txt, requirements-image.txt, and the checksums of the JVM parts."""
    from include.stack.fetch import checksums, parts

    with tempfile.TemporaryDirectory() as folder:
        fetched = (fetch(Path(folder), check=lambda _: None) for fetch in (parts.fetch_jars, parts.fetch_yarn))
        checksums.write(*fetched)
    # The image has the same versions, but only what runs.
    done = _compile("requirements", "--upgrade") or _compile("requirements-image", "--constraint", "requirements.txt")
    raise typer.Exit(done)


def _compile(name: str, *words: str) -> int:
    command = ["pip", "compile", "--universal", "--python-version", "3.11", "--no-annotate", "--generate-hashes"]
    command += ["--override", "requirements.overrides", f"{name}.in", "-o", f"{name}.txt", *words]
    command += ["--custom-compile-command", "./logsieve lock", "-q"]
    return subprocess.run([sys.executable, "-m", "uv", *command], cwd=ROOT).returncode
