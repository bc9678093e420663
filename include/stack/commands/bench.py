"""The command that measures: bench. Its options are in bench/__main__.py."""

import os
import sys

import typer

from include.settings import ROOT
from include.stack.commands.terminal import PASS_ON

app = typer.Typer()


@app.command(context_settings=PASS_ON | {"help_option_names": []})
def bench(context: typer.Context) -> None:
    """Measures Logsieve beside a baseline, hand-written consumers and the limits, on a stack of its own."""
    # Not imported: bench/ uses include/ and jobs/, and nothing uses bench/. In this process, so it gets our signals.
    os.chdir(ROOT)
    os.execv(sys.executable, [sys.executable, "-m", "bench", *context.args])  # noqa: S606
