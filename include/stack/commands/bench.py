"""The `bench` command. Its options are defined in bench/__main__.py."""

import os
import sys

import typer

from include.settings import ROOT
from include.stack.commands.terminal import PASS_ON

app = typer.Typer()


@app.command(context_settings=PASS_ON | {"help_option_names": []})
def bench(context: typer.Context) -> None:
    """Benchmarks Logsieve against a baseline, hand-written consumers and the hardware limits, on a separate stack."""
    # Executed rather than imported: bench/ depends on include/ and jobs/, and nothing depends on bench/. exec keeps the
    # process, so it receives the signals.
    os.chdir(ROOT)
    os.execv(sys.executable, [sys.executable, "-m", "bench", *context.args])  # noqa: S606
