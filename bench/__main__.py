"""The command `./logsieve bench`."""

import json
import signal
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from bench import contestants, machine, report
from bench import run as bench_run
from include.stack.commands.terminal import Json, err, out, run
from include.stack.engines import Embedded
from include.stack.errors import StackError
from include.stack.steps import Steps

app = typer.Typer(
    help="Compare Logsieve with a baseline, hand-written consumers and the limits, on a separate stack.",
    pretty_exceptions_enable=False,
    add_completion=False,
)

RATES = (100, 1_000, 5_000, 10_000)

Seed = Annotated[int, typer.Option(help="The same seed makes the same logs.")]
Partitions = Annotated[int, typer.Option(min=1, max=64, help="Partitions of both topics.")]
Accounts = Annotated[int, typer.Option(min=10, max=10_000_000, help="Accounts in the users dimension.")]
Keep = Annotated[bool, typer.Option("--keep", help="Keep the data and the logs in .state-bench.")]
Chart = Annotated[Path | None, typer.Option(help="Write a PNG chart to this file.")]
Markdown = Annotated[Path | None, typer.Option(help="Also write the table to this file.")]


@app.callback(invoke_without_command=True)
def throughput(
    context: typer.Context,
    logs: Annotated[int, typer.Option(min=1000, max=100_000_000, help="Logs that each contestant reads.")] = 2_000_000,
    rounds: Annotated[int, typer.Option(min=1, max=20, help="Runs of each contestant.")] = 3,
    only: Annotated[list[str] | None, typer.Option(help="Run only this contestant; repeatable.")] = None,
    seed: Seed = 7,
    partitions: Partitions = 2,
    accounts: Accounts = 10_000,
    share_bad: Annotated[float, typer.Option(min=0, max=1, help="Share of bad logs.")] = 0.05,
    share_suspicious: Annotated[float, typer.Option(min=0, max=1, help="Share of suspicious logs.")] = 0.05,
    rows: Annotated[int, typer.Option(min=0, max=1_000_000_000, help="Rows in the tables before each run.")] = 0,
    keep: Keep = False,
    chart: Chart = None,
    markdown: Markdown = None,
    as_json: Json = False,
) -> None:
    """Measure logs per second, CPU and memory. Exits with 1 if the contestants' verdicts differ."""
    if context.invoked_subcommand:
        return
    chosen = [each for each in contestants.ALL if not only or each.name in only]
    if unknown := set(only or ()) - {each.name for each in chosen}:
        known = ", ".join(each.name for each in contestants.ALL)
        raise StackError(f"There is no contestant {', '.join(sorted(unknown))}.", f"Choose from: {known}.")
    plan = bench_run.Plan(logs, rounds, seed, partitions, accounts, share_bad, share_suspicious, rows, chosen)
    with Steps(err) as steps:
        found = bench_run.run(plan, steps, err.print, keep=keep)
    if markdown:
        markdown.write_text(report.markdown(found), encoding="utf-8")
    if chart:
        from bench import charts

        charts.throughput(found, chart)
    if as_json:
        out.print_json(json.dumps({"machine": machine.describe(), "plan": plan.as_json()} | found.as_json()))
    else:
        report.show(out, found)
    raise typer.Exit(1 if found.wrong else 0)


@app.command()
def latency(
    rate: Annotated[list[float] | None, typer.Option(min=1, max=1_000_000, help="Logs per second; repeatable.")] = None,
    seconds: Annotated[float, typer.Option(min=1, max=86_400, help="Seconds to hold each rate.")] = 120,
    warm_up: Annotated[float, typer.Option(min=1, max=3600, help="Seconds of warm-up, not measured.")] = 30,
    trigger: Annotated[list[str] | None, typer.Option(help="realtime or interval; by default both.")] = None,
    users_every: Annotated[float, typer.Option(min=0, help="Seconds between changes of the users; 0: none.")] = 0,
    seed: Seed = 7,
    partitions: Partitions = 2,
    accounts: Accounts = 10_000,
    keep: Keep = False,
    chart: Chart = None,
    markdown: Markdown = None,
    as_json: Json = False,
) -> None:
    """Measure the latency from a log to its status and to its row in MySQL, at constant rates."""
    from bench import latency as latency_run

    chosen = [each for each in latency_run.TRIGGERS if not trigger or each.name in trigger]
    if unknown := set(trigger or ()) - {each.name for each in chosen}:
        raise StackError(f"There is no trigger {', '.join(sorted(unknown))}.", "Choose from: realtime, interval.")
    plan = latency_run.Plan(rate or RATES, seconds, warm_up, seed, partitions, accounts, chosen, users_every)
    with Steps(err) as steps:
        held = latency_run.run(plan, steps, keep=keep)
    if markdown:
        markdown.write_text(report.latency_markdown(held), encoding="utf-8")
    if chart:
        from bench import charts

        charts.latency(held, chart)
    if as_json:
        out.print_json(json.dumps({"machine": machine.describe(), "held": [asdict(each) for each in held]}))
    else:
        report.show_latency(out, held)


@app.command()
def growth(
    engine: Annotated[Embedded, typer.Option(help="The cluster to compare: spark or yarn.")] = "yarn",
    logs: Annotated[int, typer.Option(min=1000, max=100_000_000, help="Logs of each run.")] = 400_000,
    partitions: Annotated[list[int] | None, typer.Option(min=1, max=64, help="Of both topics; repeatable.")] = None,
    executors: Annotated[list[int] | None, typer.Option(min=1, max=64, help="On the cluster; repeatable.")] = None,
    seed: Seed = 7,
    accounts: Accounts = 10_000,
    keep: Keep = False,
    markdown: Markdown = None,
    as_json: Json = False,
) -> None:
    """Measure all hops on one machine and on a cluster, by the number of partitions and executors."""
    from bench import growth as growth_run

    if engine == "local":
        raise StackError("One machine is compared with a cluster.", "Choose --engine spark or --engine yarn.")
    plan = growth_run.Plan(logs, partitions or (1, 2, 4, 8), executors or (1, 2, 4), engine, seed, accounts)
    with Steps(err) as steps:
        grown = growth_run.run(plan, steps, keep=keep)
    if markdown:
        markdown.write_text(report.growth_markdown(grown), encoding="utf-8")
    if as_json:
        out.print_json(json.dumps({"machine": machine.describe(), "grown": [each.as_json() for each in grown]}))
    else:
        report.show_growth(out, grown)


@app.command()
def page(
    documents: Annotated[int, typer.Option(min=1000, max=1_000_000_000, help="Documents in the index.")] = 10_000_000,
    refreshes: Annotated[int, typer.Option(min=3, max=10_000, help="Refreshes of each range.")] = 30,
    seed: Seed = 7,
    keep: Keep = False,
    markdown: Markdown = None,
    as_json: Json = False,
) -> None:
    """Measure what a refresh of the page "Logs" costs Elasticsearch."""
    from bench import page as page_run

    with Steps(err) as steps:
        costs = page_run.run(documents, refreshes, seed, steps, keep=keep)
    if markdown:
        markdown.write_text(report.page_markdown(costs), encoding="utf-8")
    if as_json:
        out.print_json(json.dumps({"machine": machine.describe(), "costs": [asdict(each) for each in costs]}))
    else:
        report.show_page(out, costs)


@app.command()
def counting(
    rounds: Annotated[int, typer.Option(min=3, max=10_000, help="The fastest counts.")] = 50, as_json: Json = False
) -> None:
    """Measure what the metrics cost a log in `load` and the indexer, without a stack."""
    from bench import counting as counting_run

    found = counting_run.measure(rounds)
    if as_json:
        out.print_json(
            json.dumps(
                {"machine": machine.describe(), "share": found.share, "share_of_document": found.share_of_document}
                | asdict(found)
            )
        )
    else:
        load = f"{found.times:.0f} ns to read its time, {found.counts:.0f} ns to count it: {found.share:.2%} of the"
        index = f"{found.documents:.0f} ns to count it: {found.share_of_document:.2%} of the"
        out.print(
            f"load: {load} {found.until_row / 1000:.1f} µs of a log until its row", highlight=False, soft_wrap=True
        )
        out.print(
            f"indexer: {index} {found.until_document / 1000:.1f} µs of its document", highlight=False, soft_wrap=True
        )


def _end(*_: object) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # a second SIGTERM must not interrupt the clean-up
    sys.exit(1)  # runs every `finally`, which stops the started processes


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _end)
    run(app)
