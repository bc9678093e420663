"""The command `./logsieve reconcile`."""

import json
from typing import Annotated

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from include.stack.errors import StackError
from include.stack.terminal import Json, err, known, out

app = typer.Typer()


@app.command()
def reconcile(
    partition: Annotated[int | None, typer.Option(min=0, help="Only this partition.")] = None,
    first: Annotated[int, typer.Option("--from", min=0, help="Only from this offset of that partition.")] = 0,
    end: Annotated[int | None, typer.Option("--to", min=1, help="Only to the offset before this one.")] = None,
    new: Annotated[bool, typer.Option("--new", help="Only what no earlier proof has closed.")] = False,
    repair: Annotated[bool, typer.Option("--repair", help="Have what differs judged again.")] = False,
    as_json: Json = False,
) -> None:
    """Proves that every log has one status, one row and one document. Ends with 1 when one has not."""
    from include.reconcile import Range
    from include.stack import repair as proofs

    if partition is None and (first or end):
        raise StackError("--from and --to are offsets of one partition.", "Name it with --partition.")
    env, wanted = known(), None if partition is None else Range(partition, first, end)
    with Progress(TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), console=err) as progress:
        task = progress.add_task("Reading the status topic", total=None)
        found = proofs.prove(
            env, wanted, new_only=new, say=lambda n, total: progress.update(task, completed=n, total=total)
        )
        if repair and any(each.differences for each in found):
            proofs.show(err, found)
            proofs.repair(env, found, say=lambda text: progress.update(task, description=text))
            found = proofs.prove(env, wanted, new_only=new, say=lambda n, total: None)
    if as_json:
        out.print_json(json.dumps([each.as_json() for each in found]))
    else:
        proofs.show(out, found)
    if any(each.differences for each in found):
        raise StackError(
            "The hops differ.",
            "./logsieve why ORIGIN tells a log's story; ./logsieve reconcile --repair has them judged again.",
        )
