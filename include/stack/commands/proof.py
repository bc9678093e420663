"""The commands `reconcile` and `chaos`, which prove that every log arrived whole."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from include.settings import Settings
from include.stack.commands.terminal import Json, err, out, servers
from include.stack.engines import Embedded
from include.stack.errors import StackError

app = typer.Typer()


@app.command()
def reconcile(
    partition: Annotated[int | None, typer.Option(min=0, help="Only this partition.")] = None,
    first: Annotated[int, typer.Option("--from", min=0, help="Start at this offset of that partition.")] = 0,
    end: Annotated[int | None, typer.Option("--to", min=1, help="Stop before this offset.")] = None,
    new: Annotated[bool, typer.Option("--new", help="Only what no earlier proof has covered.")] = False,
    repair: Annotated[bool, typer.Option("--repair", help="Fix what differs, see docs/running.md.")] = False,
    as_json: Json = False,
) -> None:
    """Proves that the row and the document of every log match its verdict. Exits with 1 if one does not."""
    from include.proof.reconcile import Range
    from include.proof.report import HOW_TO_FIX
    from include.stack.repair import proving as proofs

    if partition is None and (first or end):
        raise StackError("--from and --to are offsets within one partition.", "Choose it with --partition.")
    env, wanted = servers(), None if partition is None else Range(partition, first, end)
    with Progress(TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), console=err) as progress:
        task = progress.add_task("Reading the status topic", total=None)
        if repair:
            proofs.repair(
                env,
                wanted,
                new_only=new,
                show=lambda found: proofs.show(err, found),
                on_step=lambda text: progress.update(task, description=text),
            )
        found = proofs.prove(
            env, wanted, new_only=new, on_progress=lambda n, total: progress.update(task, completed=n, total=total)
        )
    if as_json:
        out.print_json(json.dumps([each.as_json() for each in found]))
    else:
        proofs.show(out, found)
    if any(each.kinds for each in found):
        raise StackError(
            "Not every log is proven to be whole.",
            HOW_TO_FIX,
        )


@app.command()
def chaos(
    logs: Annotated[int, typer.Option(min=1000, help="Number of known logs to send.")] = 50_000,
    kills: Annotated[
        int | None, typer.Option(min=1, help="Number of kills; each kind once, which is the default, then again.")
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed sends the same logs and kills in the same order.")] = 7,
    rate: Annotated[
        float | None, typer.Option(min=1, help="Logs per second; by default, spread over the kills.")
    ] = None,
    engine: Annotated[Embedded, typer.Option(help="Where Spark runs, as in ./logsieve up --engine.")] = "local",
    relentless: Annotated[bool, typer.Option("--relentless", help="Do not wait for recovery between kills.")] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the stack running.")] = False,
    markdown: Annotated[Path | None, typer.Option(help="Also write the tables to this file.")] = None,
    as_json: Json = False,
) -> None:
    """Kills every process while known logs flow through a separate stack, then counts. Exits with 0 if none is lost."""
    from include.stack.chaos import report
    from include.stack.chaos import run as run_of_chaos
    from include.stack.chaos.killer import kinds

    with err.status("…") as line:
        plan = run_of_chaos.Plan(logs, kills or len(kinds(engine)), seed, rate, relentless, engine)
        result = run_of_chaos.run(plan, line.update, err.print, keep=keep)
    report.keep(result, Settings().state)
    if markdown:
        report.save(result, markdown)
    if as_json:
        out.print_json(json.dumps(asdict(result) | {"well": result.passed}))
    else:
        report.show(out, result)
    raise typer.Exit(0 if result.passed else 1)
