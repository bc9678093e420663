"""The commands about cost: `bench` measures it, `sizes` computes by it what servers need."""

import json
import os
import sys
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console

from include.settings import ROOT
from include.sizes import report
from include.sizes.needs import Server, Sizes, compute
from include.stack import tables
from include.stack.commands.terminal import PASS_ON, Json, out

app = typer.Typer()


@app.command(context_settings=PASS_ON | {"help_option_names": []})
def bench(context: typer.Context) -> None:
    """Benchmarks Logsieve against a baseline, hand-written consumers and the hardware limits, on a separate stack."""
    # Executed rather than imported: bench/ depends on include/ and jobs/, and nothing depends on bench/. exec keeps the
    # process, so it receives the signals.
    os.chdir(ROOT)
    os.execv(sys.executable, [sys.executable, "-m", "bench", *context.args])  # noqa: S606


@app.command()
def sizes(
    rate: Annotated[int, typer.Option(min=1, max=100_000_000, help="Logs per second.")],
    days: Annotated[int, typer.Option(min=1, max=3650, help="Days for which logs are kept.")] = 7,
    accounts: Annotated[int, typer.Option(min=1, max=1_000_000_000, help="Accounts in the users dimension.")] = 10_000,
    processors: Annotated[int, typer.Option(min=1, max=1024, help="Processors of one server.")] = Server.processors,
    memory: Annotated[int, typer.Option(min=1, max=65_536, help="Memory of one server, GiB.")] = Server.memory_gib,
    disk: Annotated[float, typer.Option(min=0.01, max=1024, help="Disk of one server, TiB.")] = Server.disk_tib,
    as_json: Json = False,
) -> None:
    """Computes which servers a rate of logs needs, from what a log was measured to cost: docs/sizes.md."""
    found = compute(rate, days, accounts, Server(processors, memory, disk))
    if as_json:
        out.print_json(json.dumps(asdict(found) | {"bottleneck": asdict(found.bottleneck)}))
    else:
        show_sizes(out, found)


def show_sizes(console: Console, found: Sizes) -> None:
    """Prints what each part needs, the first bottleneck, and what the figures are worth."""
    table = tables.new(*report.HEADER, title=report.title(found))
    for column in table.columns[1:-1]:
        column.justify = "right"
    for need in found.needs:
        table.add_row(*report.cells(need))
    console.print(table)
    for line in report.remarks(found):
        console.print(line, highlight=False)
