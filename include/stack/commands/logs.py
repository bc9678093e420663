"""The commands that generate and show logs: `topics`, `tail`, `why`, `generate`, `exports`."""

import json
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer

from include.stack.commands.terminal import Json, err, known, out, servers

app = typer.Typer()

DAY = "%Y-%m-%d"


@app.command()
def topics(
    partitions: Annotated[int | None, typer.Option(min=1, max=256, help="Add partitions up to this total.")] = None,
    adopt: Annotated[bool, typer.Option("--adopt", help="Continue with topics that were recreated.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")] = False,
    as_json: Json = False,
) -> None:
    """Lists the topics with their partitions and offsets. Can add partitions while logs flow.

    With --adopt, continues with topics that were deleted and recreated; existing rows and documents are set aside.
    """
    from include.stack.commands.topics import list_topics, show
    from include.stack.repair import adopt as adoption
    from include.stack.repair.partitions import add

    if adopt:
        ids, recreated = adoption.look(known())
        if not yes:
            found_recreated = f"Recreated: {', '.join(recreated)}."
            typer.confirm(
                f"{found_recreated} Set all rows and documents aside and start with empty tables?", abort=True
            )
        adoption.adopt(
            known(), ids, recreated, lambda line: err.print(line, soft_wrap=True, highlight=False, markup=False)
        )
        err.print("The topics are adopted. Continue with: ./logsieve stream start")
    if partitions is not None:
        for topic, (had, has) in add(known(), partitions).items():
            err.print(f"{topic}: {had} → {has} partitions" if had < has else f"{topic} has {has} partitions already")
    found = list_topics(servers())
    if as_json:
        out.print_json(json.dumps([asdict(row) for row in found]))
    else:
        show(out, found)


@app.command()
def tail(
    topic: Annotated[str, typer.Argument(help="server-logs or server-logs-status")],
    from_beginning: Annotated[bool, typer.Option("--from-beginning", help="Start at the oldest message.")] = False,
    status: Annotated[str | None, typer.Option(help="Only verdicts with this status: good, bad or suspicious.")] = None,
    count: Annotated[int | None, typer.Option(min=1, help="Stop after this many messages.")] = None,
) -> None:
    """Prints a topic's messages as they arrive: partition-offset, key, value."""
    from include.stack.commands.topics import messages

    for message in messages(servers(), topic, from_beginning=from_beginning, status=status, count=count):
        out.print(message, markup=False, highlight=False, soft_wrap=True)


@app.command()
def why(
    origin: Annotated[str, typer.Argument(metavar="PARTITION-OFFSET", help="The log's origin, such as 0-1234.")],
    as_json: Json = False,
) -> None:
    """Explains one log: its bytes, verdict and reasons, the users row it was judged with, and its state at each hop."""
    from include.stack.commands.why import read, show

    story = read(servers(), origin)
    if as_json:
        out.print_json(json.dumps(asdict(story)), ensure_ascii=True)
    else:
        show(out, story)


@app.command()
def generate(
    count: Annotated[
        int | None, typer.Option(min=1, help="Number of logs; by default, until --seconds or Ctrl-C.")
    ] = None,
    seconds: Annotated[float | None, typer.Option(min=0.1, help="Stop after this many seconds.")] = None,
    rate: Annotated[
        float | None, typer.Option(min=0.001, help="Logs per second; by default, as fast as possible.")
    ] = None,
    share_bad: Annotated[float | None, typer.Option(min=0, max=1)] = None,
    share_suspicious: Annotated[float | None, typer.Option(min=0, max=1)] = None,
    late_days: Annotated[
        int | None, typer.Option(min=0, max=365, help="Spread events over this many days up to now; 0: now.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="The same seed generates the same logs.")] = None,
) -> None:
    """Sends generated logs to server-logs."""
    from include.stack.commands.generate import generate as send

    send(servers().reaching(), err, out, count, seconds, rate, share_bad, share_suspicious, late_days, seed)


@app.command()
def exports(
    first: Annotated[
        datetime | None, typer.Option("--from", formats=[DAY], help="First day; by default, the last.")
    ] = None,
    last: Annotated[
        datetime | None, typer.Option("--to", formats=[DAY], help="Last day; by default, today (UTC).")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite existing exports.")] = False,
) -> None:
    """Generates the accounts export of each day: accounts join, leave and change. Depends on the seed only."""
    from include.settings import Settings
    from include.stack.commands.generate import backfill, write_exports

    end = (last or datetime.now(UTC)).date()
    begin = first.date() if first else end
    settings = Settings()
    written, there = write_exports(settings, err, begin, end, force=force)
    kept = f", {there:,} existing kept" if there else ""
    done = f"{written:,} exports written to {settings.accounts_exports}{kept}.\n"
    out.print(f"{done}To load them: {backfill(begin, end, again=force)}", soft_wrap=True, highlight=False, markup=False)
