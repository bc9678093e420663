"""The commands that correct verdicts: `replay` and `rejudge`."""

import json
from dataclasses import asdict
from datetime import datetime
from typing import Annotated

import typer

from include.driver.rejudgement import Report
from include.stack import tables
from include.stack.commands.terminal import Json, err, out, servers
from include.stack.steps import Steps

app = typer.Typer()

TIMES = ["%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S"]
FROM = 'Received at or after this time (UTC), such as "2026-11-23 12:00".'
TO = "Received before this time (UTC)."
HAPPENED = 'Events at or after this time (UTC), such as "2026-11-23 12:00".'
HAPPENED_BEFORE = "Events before this time (UTC)."


@app.command()
def replay(
    reason: Annotated[str, typer.Option(help="Reason of the bad logs to judge again, such as null_device.")],
    begin: Annotated[datetime | None, typer.Option("--from", formats=TIMES, metavar="TIME", help=FROM)] = None,
    end: Annotated[datetime | None, typer.Option("--to", formats=TIMES, metavar="TIME", help=TO)] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would change.")] = False,
    as_json: Json = False,
) -> None:
    """Judges stored bad logs again with the current rules and users, and corrects their verdicts at every hop."""
    from include.stack.repair import rejudge

    env = servers()
    rejudge.check_reason(env, reason)
    with Steps(err) as steps, steps.step("Judging again …") as on_step:
        report = rejudge.run(env, reason=reason, begin=begin, end=end, dry_run=dry_run, on_step=on_step)
    _print(report, dry_run, as_json)


@app.command("rejudge")
def rejudge_events(
    begin: Annotated[datetime | None, typer.Option("--from", formats=TIMES, metavar="TIME", help=HAPPENED)] = None,
    end: Annotated[datetime | None, typer.Option("--to", formats=TIMES, metavar="TIME", help=HAPPENED_BEFORE)] = None,
    account: Annotated[list[str] | None, typer.Option(help="Only this account; may be repeated.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would change.")] = False,
    as_json: Json = False,
) -> None:
    """Judges logs that are not bad again with the current users history, and corrects their verdicts at every hop."""
    from include.stack.repair import rejudge

    env = servers()
    with Steps(err) as steps, steps.step("Judging again …") as on_step:
        report = rejudge.run(env, accounts=account or (), begin=begin, end=end, dry_run=dry_run, on_step=on_step)
    _print(report, dry_run, as_json)


def _print(report: Report, dry_run: bool, as_json: bool) -> None:
    if as_json:
        out.print_json(json.dumps(asdict(report)))
    else:
        show(report, dry_run)


def show(report: Report, dry_run: bool) -> None:
    """Prints the table of changes, then the logs that could not be judged again."""
    table = tables.new("was", "would be" if dry_run else "is", "logs")
    table.columns[2].justify = "right"
    for row in sorted(report.changes, key=lambda row: -row.logs):
        other = ", other reasons" if row.changed and row.was == row.now else ""
        table.add_row(row.was or "nothing", f"[bold]{row.now}{other}" if row.changed else "the same", f"{row.logs:,}")
    out.print(table)
    for gone in report.gone:
        out.print(
            f"[red]{gone.logs:,} logs[/] of partition {gone.partition}, offsets {gone.first} to {gone.last}, are no"
            " longer in Kafka, and the stored copy is incomplete: their verdicts stay unchanged."
        )
    done = "would be corrected; nothing was changed" if dry_run else "corrected"
    out.print(f"{report.changed:,} verdicts {done}.")
