"""The commands that make and show logs: topics, tail, why, generate, exports."""

import json
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer

from include.stack.commands.terminal import Json, err, known, out

app = typer.Typer()

DAY = "%Y-%m-%d"


@app.command()
def topics(
    partitions: Annotated[int | None, typer.Option(min=1, max=256, help="Add partitions up to this number.")] = None,
    adopt: Annotated[bool, typer.Option("--adopt", help="Go on with topics that were made anew.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: Json = False,
) -> None:
    """Lists the topics with their partitions and offsets; adds partitions to both, also while logs flow.

    With --adopt, goes on with a topic that was deleted and made anew; what the tables and the index hold is kept apart.
    """
    from include.stack.commands.topics import list_topics, show
    from include.stack.repair import adopt as adoption
    from include.stack.repair.partitions import add

    if adopt:
        ids, anew = adoption.look(known())
        if not yes:
            made = f"Made anew: {', '.join(anew)}."
            typer.confirm(f"{made} Set all rows and documents apart, and begin with empty tables?", abort=True)
        adoption.adopt(known(), ids, anew, lambda kept: err.print(kept, soft_wrap=True, highlight=False, markup=False))
        err.print("The topics are adopted: ./logsieve stream start goes on with them.")
    if partitions is not None:
        for topic, (had, has) in add(known(), partitions).items():
            err.print(f"{topic}: {had} → {has} partitions" if had < has else f"{topic} has {has} partitions already")
    found = list_topics(known())
    if as_json:
        out.print_json(json.dumps([asdict(row) for row in found]))
    else:
        show(out, found)


@app.command()
def tail(
    topic: Annotated[str, typer.Argument(help="server-logs or server-logs-status")],
    from_beginning: Annotated[bool, typer.Option("--from-beginning", help="Begin with the oldest message.")] = False,
    status: Annotated[str | None, typer.Option(help="Only verdicts of this status: good, bad, suspicious.")] = None,
    count: Annotated[int | None, typer.Option(min=1, help="End after so many messages.")] = None,
) -> None:
    """Prints a topic's messages as they come: partition-offset, key, value."""
    from include.stack.commands.topics import messages

    for message in messages(known(), topic, from_beginning=from_beginning, status=status, count=count):
        out.print(message, markup=False, highlight=False, soft_wrap=True)


@app.command()
def why(
    origin: Annotated[str, typer.Argument(metavar="PARTITION-OFFSET", help="The log's origin, as in 0-1234.")],
    as_json: Json = False,
) -> None:
    """Tells a log's story: bytes, verdict, reasons, the users row it was judged with, where it is at each hop."""
    from include.stack.commands.why import read, show

    story = read(known(), origin)
    if as_json:
        out.print_json(json.dumps(asdict(story)), ensure_ascii=True)
    else:
        show(out, story)


@app.command()
def generate(
    count: Annotated[int | None, typer.Option(min=1, help="How many logs; else until --seconds or Ctrl-C.")] = None,
    seconds: Annotated[float | None, typer.Option(min=0.1, help="How long.")] = None,
    rate: Annotated[float | None, typer.Option(min=0.001, help="Logs a second; else as fast as it goes.")] = None,
    share_bad: Annotated[float | None, typer.Option(min=0, max=1)] = None,
    share_suspicious: Annotated[float | None, typer.Option(min=0, max=1)] = None,
    late_days: Annotated[
        int | None, typer.Option(min=0, max=365, help="Logs of so many days up to now; 0: of now.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="The same seed makes the same logs.")] = None,
) -> None:
    """Sends generated logs to server-logs."""
    from include.stack.commands.generate import generate as send

    send(known(), err, out, count, seconds, rate, share_bad, share_suspicious, late_days, seed)


@app.command()
def exports(
    first: Annotated[datetime | None, typer.Option("--from", formats=[DAY], help="First day; else the last.")] = None,
    last: Annotated[datetime | None, typer.Option("--to", formats=[DAY], help="Last day; else today (UTC).")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace exports that are there.")] = False,
) -> None:
    """Writes the accounts export of each day, from the generator's seed: accounts join, leave and change devices."""
    from include.settings import Settings
    from include.stack.commands.exports import backfill, write

    end = (last or datetime.now(UTC)).date()
    begin = first.date() if first else end
    settings = Settings()
    written, there = write(settings, err, begin, end, force=force)
    kept = f", {there:,} were there and are kept" if there else ""
    told = f"{written:,} exports written to {settings.accounts_exports}{kept}.\n"
    out.print(f"{told}To load them: {backfill(begin, end, again=force)}", soft_wrap=True, highlight=False, markup=False)
