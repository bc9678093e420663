"""The commands for developing Logsieve: `test` and `lock`."""

import subprocess
import sys

import typer

from include.settings import ROOT
from include.stack.commands.terminal import PASS_ON, out

app = typer.Typer()


@app.command(context_settings=PASS_ON)
def test(context: typer.Context) -> None:
    """Runs checks and tests: all, or the named ones (lint, unit, dags, spark, integration, chaos, bench)."""
    from include.stack.commands.testing import run_tests

    raise typer.Exit(run_tests(context.args, out))


@app.command()
def lock() -> None:
    """Regenerates requirements.txt from requirements.in."""
    command = ["pip", "compile", "--universal", "--python-version", "3.11", "--no-annotate", "--upgrade"]
    command += ["--override", "requirements.overrides", "requirements.in", "-o", "requirements.txt"]
    command += ["--custom-compile-command", "./logsieve lock", "-q"]
    raise typer.Exit(subprocess.run([sys.executable, "-m", "uv", *command], cwd=ROOT).returncode)
