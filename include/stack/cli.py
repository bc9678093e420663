"""The command `./logsieve`."""

import json
import os
import shlex
import subprocess
import sys
from dataclasses import asdict
from typing import Annotated

import typer

from include.settings import Settings
from include.stack import (
    cli_bench,
    cli_compose,
    cli_develop,
    cli_logs,
    cli_proof,
    cli_repair,
    cli_stream,
    cli_users,
    environment,
    supervisor,
    terminal,
)
from include.stack import doctor as checks
from include.stack.environment import Environment
from include.stack.errors import StackError
from include.stack.terminal import PASS_ON, Json, err, known, out

app = typer.Typer(
    help="Sieves server logs: Kafka → Spark → good, bad or suspicious → MySQL and Elasticsearch, run by Airflow.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


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
    from include.stack import judge_jar, status
    from include.stack import up as steps_of_up
    from include.stack.start import start
    from include.stack.steps import Steps

    settings = Settings()
    env = environment.load(settings)
    if fresh and env is not None:
        if not yes:
            typer.confirm(f"Delete all data in {env.state}?", abort=True)
        supervisor.stop(env)
        steps_of_up.wipe(env)
        env = None
    found_running = env is not None and checks.running(env) and supervisor.is_whole(env)
    if env is not None and not found_running:
        supervisor.stop(env)  # what an `up` that was killed halfway, or a supervisord that was killed, has left
    if not settings.state.exists():
        steps_of_up.wipe(environment.load_or_plan(settings))  # somebody deleted the folder: no more is left of it
    if env is None or not found_running:
        steps_of_up.check(environment.load_or_plan(settings))
        env = environment.make(settings)
    chosen = {"rate": rate, "share_bad": share_bad, "share_suspicious": share_suspicious}
    conf = {name: value for name, value in chosen.items() if value is not None}
    with Steps(err) as steps:
        if found_running:
            out.print("Logsieve is running already.")
            judge_jar.ensure(settings)  # the rules may have changed since
            programs = steps_of_up.programs_of(env)
        else:
            programs = start(env, steps)
        steps_of_up.bring_to_life(env, programs, steps, conf if run_bootstrap else None, again=found_running)
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
    env = environment.load_or_plan(Settings())
    found = [check(env) for check in checks.CHECKS]
    if as_json:
        out.print_json(json.dumps([asdict(check) for check in found]))
    else:
        checks.show(out, found)
    raise typer.Exit(1 if any(check.remedy for check in found) else 0)


@app.command(context_settings=PASS_ON | {"help_option_names": []})
def airflow(context: typer.Context) -> None:
    """Runs Airflow's own command against this stack, as in `./logsieve airflow dags test bootstrap`."""
    command = [sys.executable, "-m", "airflow", *context.args]
    env = known()
    variables = {**os.environ, **_shell(env), "TMPDIR": str(env.settings.scratch)}
    raise typer.Exit(subprocess.run(command, env=variables).returncode)


@app.command("env")
def print_env() -> None:
    """Prints the stack's variables, secrets too, for `eval "$(./logsieve env)"`."""
    for name, value in _shell(known()).items():
        print(f"export {name}={shlex.quote(value)}")  # noqa: T201


app.add_typer(cli_logs.app)
app.add_typer(cli_users.app)
app.add_typer(cli_proof.app)
app.add_typer(cli_stream.app, name="stream")
app.add_typer(cli_repair.app)
app.add_typer(cli_compose.app)
app.add_typer(cli_bench.app)
app.add_typer(cli_develop.app)


def _shell(env: Environment) -> dict[str, str]:
    """The stack's variables without the mark that `down` looks for, and without the folder that `up` empties."""
    ours = (environment.STACK_VARIABLE, "TMPDIR")
    return {name: value for name, value in env.variables().items() if name not in ours}


def main() -> None:
    """Runs the command."""
    terminal.run(app)


if __name__ == "__main__":
    main()
