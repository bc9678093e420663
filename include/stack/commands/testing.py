"""Implements `./logsieve test`: runs the checks, cheapest first."""

import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from include.settings import ROOT
from include.stack.errors import StackError
from include.stack.fetch import browser

_PYTEST = [sys.executable, "-m", "pytest", "-q"]
CHECKS = {
    "lint": [
        [sys.executable, "-m", "ruff", "check", "."],
        [sys.executable, "-m", "ruff", "format", "--check", "."],
        [sys.executable, "-m", "mypy", "include", "jobs", "dags", "plugins", "bench"],
        [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"],
    ],
    "unit": [[*_PYTEST, "tests/unit"]],
    "dags": [[*_PYTEST, "tests/dags"]],
    "spark": [[*_PYTEST, "tests/spark"]],
    # One process, because both share one stack. The page comes first, because the last integration test sets all logs
    # aside. --maxfail, because with a broken stack each test takes minutes to fail.
    "integration": [[*_PYTEST, "--durations=40", "--maxfail=5", "tests/browser", "tests/integration"]],
    "chaos": [[*_PYTEST, "tests/chaos"]],
    "bench": [[*_PYTEST, "tests/bench"]],
}
BY_NAME = {"bench": "it starts a driver for each contestant, which takes minutes"}
"""Parts that run only when named, and the reason."""


def run_tests(args: Sequence[str], console: Console) -> int:
    """Runs the named parts, or all except BY_NAME; passes other arguments to pytest. Returns 0 if all pass, else 1."""
    named = [name for name in args if name in CHECKS]
    names = named or [name for name in CHECKS if name not in BY_NAME]
    extra = [arg for arg in args if arg not in CHECKS]
    if not named and extra and not extra[0].startswith("-"):
        raise StackError(f"There are no tests named {extra[0]!r}.", f"Choose from: {', '.join(CHECKS)}.")
    red = []
    for name in names:
        begin = time.monotonic()
        console.rule(f"{name}")
        if name == "integration":
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
