"""The command `./logsieve`."""

import json
import os
import shlex
import subprocess
import sys
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from pydantic import ValidationError
from rich.console import Console

from include.settings import ROOT, Settings
from include.stack import doctor as checks
from include.stack import environment, supervisor
from include.stack.environment import Environment, Ports
from include.stack.errors import StackError

app = typer.Typer(
    help="Sieves server logs: Kafka → Spark → good, bad or suspicious → MySQL and Elasticsearch, run by Airflow.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
out = Console()
err = Console(stderr=True)

DAY = "%Y-%m-%d"
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


def known() -> Environment:
    """The environment of a stack that was started before. Raises StackError when there is none."""
    env = environment.load(Settings())
    if env is None:
        raise StackError("No stack was started here yet.", "Run ./logsieve up first.")
    return env


@app.command()
def up(
    rate: Annotated[float | None, typer.Option(min=0.001, max=1_000_000, help="Generated logs a second.")] = None,
    share_bad: Annotated[float | None, typer.Option(min=0, max=1, help="Share of bad logs.")] = None,
    share_suspicious: Annotated[float | None, typer.Option(min=0, max=1, help="Share of suspicious logs.")] = None,
    fresh: Annotated[bool, typer.Option(help="Wipe all data first.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    run_bootstrap: Annotated[bool, typer.Option("--bootstrap/--no-bootstrap", help="Trigger the DAG.")] = True,
) -> None:
    """Starts everything and waits until logs are sorted at every hop."""
    from include.stack import status
    from include.stack import up as steps_of_up

    settings = Settings()
    env = environment.load(settings)
    if fresh and env is not None:
        if not yes:
            typer.confirm(f"Delete all data in {env.state}?", abort=True)
        supervisor.stop(env)
        steps_of_up.wipe(env)
        env = None
    found_running = env is not None and checks.running(env)
    if env is None or not found_running:
        steps_of_up.check(env or Environment(settings, Ports(), {}))
        env = environment.make(settings)
    chosen = {"rate": rate, "share_bad": share_bad, "share_suspicious": share_suspicious}
    conf = {name: value for name, value in chosen.items() if value is not None}
    with steps_of_up.Steps(err) as steps:
        if found_running:
            out.print("Logsieve is running already.")
            programs = steps_of_up.programs_of(env)
        else:
            programs = steps_of_up.prepare(env, steps)
            supervisor.start(env, programs)
        steps_of_up.wait_until_healthy(env, programs, steps)
        if run_bootstrap and not (found_running and steps_of_up.bootstrapped(env)):
            steps_of_up.bootstrap(env, conf, steps)
    if run_bootstrap:
        status.show_hops(out, status.read_hops(env), env)
    out.print(f"Airflow: {env.airflow_url}   login: admin   password: {env.passwords['airflow_admin']}", soft_wrap=True)


@app.command()
def down() -> None:
    """Stops everything that `up` started, and only that. Data stays."""
    env = known()
    with err.status("Stopping …") as line:
        count = supervisor.stop(env, on_wait=lambda names: line.update(f"Stopping {', '.join(names)} …"))
    out.print(f"Stopped {count} processes. Data is kept in {env.state}." if count else "Nothing was running.")


@app.command("status")
def show_status(as_json: Json = False) -> None:
    """Shows servers, DAGs' last runs, counts per hop, lag and freshness. Ends with 1 when a server is red."""
    from include.stack import status
    from include.stack.up import programs_of

    env = known()
    found = status.read(env, programs_of(env))
    if as_json:
        out.print_json(json.dumps(asdict(found) | {"healthy": found.healthy}))
    else:
        status.show(out, found, env)
    raise typer.Exit(0 if found.healthy else 1)


@app.command()
def logs(
    name: Annotated[str, typer.Argument(help="A server's name, as in `status`.")],
    lines: Annotated[int, typer.Option("-n", "--lines", min=1, help="How many of the last lines.")] = 50,
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Go on as lines come.")] = False,
) -> None:
    """Shows what a server printed."""
    env = known()
    file = supervisor.log_file(env, name)
    if not file.exists():
        names = ", ".join(sorted(found.stem for found in file.parent.glob("*.log")))
        raise StackError(f"There is no log of {name!r}.", f"Known: {names}.")
    subprocess.run(["tail", "-n", str(lines), *(["-F"] if follow else []), str(file)])


@app.command()
def doctor(as_json: Json = False) -> None:
    """Checks Java, libaio, ports, memory, disk, architecture and clock, and names the remedy for each."""
    settings = Settings()
    env = environment.load(settings) or Environment(settings, Ports(), {})
    found = [check(env) for check in checks.CHECKS]
    out.print_json(json.dumps([asdict(check) for check in found])) if as_json else checks.show(out, found)
    raise typer.Exit(1 if any(check.remedy for check in found) else 0)


@app.command()
def topics(as_json: Json = False) -> None:
    """Lists the topics with their partitions and offsets."""
    from include.stack.topics import list_topics, show

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
    from include.stack.topics import messages

    for message in messages(known(), topic, from_beginning=from_beginning, status=status, count=count):
        out.print(message, markup=False, highlight=False, soft_wrap=True)


@app.command()
def generate(
    count: Annotated[int | None, typer.Option(min=1, help="How many logs; else until --seconds or Ctrl-C.")] = None,
    seconds: Annotated[float | None, typer.Option(min=0.1, help="How long.")] = None,
    rate: Annotated[float | None, typer.Option(min=0.001, help="Logs a second; else as fast as it goes.")] = None,
    share_bad: Annotated[float | None, typer.Option(min=0, max=1)] = None,
    share_suspicious: Annotated[float | None, typer.Option(min=0, max=1)] = None,
    seed: Annotated[int | None, typer.Option(help="The same seed makes the same logs.")] = None,
) -> None:
    """Sends generated logs to server-logs."""
    from include.stack.generate import generate as send

    send(known(), err, out, count, seconds, rate, share_bad, share_suspicious, seed)


@app.command()
def accounts(
    first: Annotated[datetime | None, typer.Option("--from", formats=[DAY], help="First day; else today.")] = None,
    last: Annotated[datetime | None, typer.Option("--to", formats=[DAY], help="Last day; else today.")] = None,
) -> None:
    """Writes the accounts exports of a range of days, made from the generator's seed, where they are missing."""
    from include.accounts import Accounts, ensure_export

    settings = Settings()
    begin = (first or datetime.now(UTC)).date()
    days = ((last or datetime.now(UTC)).date() - begin).days + 1
    made = Accounts(settings.seed, settings.accounts)
    for day in (begin + timedelta(days=number) for number in range(days)):
        out.print(str(ensure_export(settings.accounts_exports, day, made)), soft_wrap=True)


PASS_ON = {"allow_extra_args": True, "ignore_unknown_options": True}


@app.command(context_settings=PASS_ON | {"help_option_names": []})
def airflow(context: typer.Context) -> None:
    """Runs Airflow's own command against this stack, as in `./logsieve airflow dags test bootstrap`."""
    command = [sys.executable, "-m", "airflow", *context.args]
    raise typer.Exit(subprocess.run(command, env={**os.environ, **_shell(known())}).returncode)


@app.command("env")
def print_env() -> None:
    """Prints the stack's variables, secrets too, for `eval "$(./logsieve env)"`."""
    for name, value in _shell(known()).items():
        print(f"export {name}={shlex.quote(value)}")  # noqa: T201


@app.command(context_settings=PASS_ON)
def test(context: typer.Context) -> None:
    """Runs the checks and tests: all, or of the folders named (lint, unit, spark, dags, integration)."""
    from include.stack.testing import run_tests

    raise typer.Exit(run_tests(context.args, out))


@app.command()
def lock() -> None:
    """Makes requirements.txt anew from requirements.in."""
    command = ["pip", "compile", "--universal", "--python-version", "3.11", "--no-annotate", "--upgrade"]
    command += ["--override", "requirements.overrides", "requirements.in", "-o", "requirements.txt"]
    command += ["--custom-compile-command", "./logsieve lock", "-q"]
    raise typer.Exit(subprocess.run([sys.executable, "-m", "uv", *command], cwd=ROOT).returncode)


def _shell(env: Environment) -> dict[str, str]:
    """The stack's variables without the mark that `down` looks for."""
    return {name: value for name, value in env.variables().items() if name != environment.STACK_VARIABLE}


def main() -> None:
    """Runs the command; an expected failure is one message with its remedy and exit code 1."""
    try:
        app()
    except StackError as error:
        err.print(f"[red]✗[/] {error.message}", highlight=False)
        err.print(f"→ {error.remedy}", highlight=False)
        sys.exit(1)
    except ValidationError as error:
        for wrong in error.errors():
            name = "_".join(str(part) for part in wrong["loc"]).upper()
            prefix = "LOGSIEVE_PORT_" if error.title == "Ports" else "LOGSIEVE_"
            err.print(f"[red]✗[/] The setting {prefix}{name} does not fit: {wrong['msg']}.", highlight=False)
        err.print("→ Correct or unset it; include/settings.py explains every setting.")
        sys.exit(1)


if __name__ == "__main__":
    main()
