"""The `./logsieve` command."""

import json
import signal
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from include.contract.changing import in_effect
from include.settings import Settings
from include.stack import environment
from include.stack.commands import bench, contract, develop, proof, repair, server_tools, service, terminal, users
from include.stack.commands import logs as cli_logs
from include.stack.commands import stream as cli_stream
from include.stack.commands.terminal import Json, err, known, out, servers, wait_for
from include.stack.engines import Engine
from include.stack.environment import Environment
from include.stack.errors import StackError
from include.stack.machine import lock

app = typer.Typer(
    help="Sorts server logs into good, bad and suspicious: Kafka → Spark → MySQL and Elasticsearch, run by Airflow.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


@app.command()
def up(
    contract_file: Annotated[Path | None, typer.Option("--contract", help="File that declares what a log is.")] = None,
    rate: Annotated[
        float | None, typer.Option(min=0, max=1_000_000, help="Generated logs per second; 0: none, also later.")
    ] = None,
    share_bad: Annotated[float | None, typer.Option(min=0, max=1, help="Share of generated logs that are bad.")] = None,
    share_suspicious: Annotated[
        float | None, typer.Option(min=0, max=1, help="Share of generated logs that are suspicious.")
    ] = None,
    engine: Annotated[
        Engine | None,
        typer.Option(help="Where Spark runs: in one process, or on a cluster of this stack. By default as before."),
    ] = None,
    fresh: Annotated[bool, typer.Option(help="Delete all data first.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")] = False,
    run_bootstrap: Annotated[
        bool, typer.Option("--bootstrap/--no-bootstrap", help="Trigger the DAG bootstrap.")
    ] = True,
) -> None:
    """Starts the stack and waits until logs have passed every hop."""
    # A `down` in another shell stops this command with SIGTERM. A background shell may have set SIGINT to be ignored.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    from include.stack.repair import contracts  # the clients take half a second, too long for every command

    settings = Settings() if contract_file is None else Settings(contract=contract_file)
    with lock.held(settings.state / "lock", "up", wait_for):
        contracts.check(settings, fresh=fresh, asked=contract_file is not None)
        _up(settings, rate, share_bad, share_suspicious, engine, fresh=fresh, yes=yes, run_bootstrap=run_bootstrap)


def _up(
    settings: Settings,
    rate: float | None,
    share_bad: float | None,
    share_suspicious: float | None,
    engine: Engine | None,
    *,
    fresh: bool,
    yes: bool,
    run_bootstrap: bool,
) -> None:
    from include.stack.airflow import stream
    from include.stack.fetch import judge_jar
    from include.stack.repair import contracts
    from include.stack.run import doctor as checks
    from include.stack.run import status, supervisor
    from include.stack.run import up as steps_of_up
    from include.stack.run.start import start
    from include.stack.steps import Steps

    env = environment.load(settings)
    if fresh and env is not None:
        if not yes:
            typer.confirm(f"Delete all data in {env.state}?", abort=True)
        supervisor.stop(env)
        steps_of_up.wipe(env)
        env = None
    found_running = env is not None and checks.running(env) and supervisor.is_whole(env)
    if env is not None and not found_running:
        supervisor.stop(env)  # leftovers of an `up` or a supervisord that was killed
    if {each.name for each in settings.state.iterdir()} == {"lock"}:
        steps_of_up.wipe(environment.load_or_plan(settings))  # the folder was deleted: remove its outside parts too
    if env is None or not found_running:
        planned = environment.load_or_plan(settings)
        planned.engine = engine or planned.engine
        steps_of_up.check(planned)
        in_effect.keep_first(settings)
        env = environment.make(settings, engine=planned.engine, generates=None if rate is None else rate > 0)
    elif engine not in (None, env.engine):
        raise StackError(f"The stack is running with --engine {env.engine}.", "Run ./logsieve down, then up again.")
    if rate is None and not env.generates:
        rate = 0
    chosen = {"rate": rate, "share_bad": share_bad, "share_suspicious": share_suspicious}
    conf = {name: value for name, value in chosen.items() if value is not None}
    with Steps(err) as steps:
        if found_running:
            out.print("Logsieve is running already.")
            judge_jar.ensure(settings)  # the rules may have changed since then
            programs = steps_of_up.programs_of(env)
        else:
            programs = start(env, steps)
        steps_of_up.wait_and_bootstrap(env, programs, steps, conf if run_bootstrap else None, again=found_running)
    if waiting := contracts.waiting(settings):
        err.print(waiting, highlight=False, markup=False, soft_wrap=True)
    if run_bootstrap:
        status.show_hops(out, status.read_hops(env), env)
    # Whatever captures the output may keep it where others read.
    password = env.passwords["airflow_admin"] if sys.stdout.isatty() else f"airflow_admin in {env.state}/stack.json"
    out.print(f"Airflow: {env.airflow_url}   login: admin   password: {password}", soft_wrap=True, highlight=False)
    if run_bootstrap:
        stream.wait_until_classifying(env, lambda line: err.print(line, highlight=False, markup=False))


@app.command()
def down() -> None:
    """Stops everything that `up` started, and nothing else. Keeps all data."""
    from include.stack.run import supervisor

    env = known()

    def stop_command(process: int, what: str) -> None:
        """Stops a concurrent `up` and everything it has started; waits for any other command to finish."""
        err.print(f"Stopping ./logsieve {what} (process {process}) first …")
        while supervisor.is_command(process):
            if what == "up":
                supervisor.end_command(process)
                supervisor.stop(env)
            time.sleep(0.2)

    with lock.held(env.state / "lock", "down", stop_command), err.status("Stopping …") as line:
        count = supervisor.stop(env, on_wait=lambda names: line.update(f"Stopping {', '.join(names)} …"))
    out.print(f"Stopped {count} processes. Data is kept in {env.state}." if count else "Nothing was running.")


@app.command("status")
def show_status(as_json: Json = False) -> None:
    """Shows the servers, the last run of each DAG, counts, backlog and freshness. Exits with 1 if unhealthy."""
    from include.stack.run import status
    from include.stack.run.up import programs_of

    env = servers()
    found = status.read(env, programs_of(env)) if isinstance(env, Environment) else status.read_own(env)
    if as_json:
        out.print_json(json.dumps(asdict(found) | {"healthy": found.healthy}))
    else:
        status.show(out, found, env)
    raise typer.Exit(0 if found.healthy else 1)


@app.command()
def logs(
    name: Annotated[str, typer.Argument(help="Name of a server, as listed by `status`.")],
    lines: Annotated[int, typer.Option("-n", "--lines", min=1, help="Number of lines to show.")] = 50,
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Keep printing new lines.")] = False,
) -> None:
    """Shows the last lines of a server's log."""
    from include.stack.run import supervisor

    env = known()
    file = supervisor.log_file(env, name)
    if not file.exists():
        names = ", ".join(sorted(found.stem for found in file.parent.glob("*.log")))
        raise StackError(f"There is no log for {name!r}.", f"Choose one of: {names}.")
    subprocess.run(["tail", "-n", str(lines), *(["-F"] if follow else []), str(file)])


@app.command()
def doctor(as_json: Json = False) -> None:
    """Checks that this machine can run the stack (Java, memory, disk, ports, …) and names a remedy for each problem."""
    from include.stack.run import doctor as checks

    env = environment.load_or_plan(Settings())
    found = [check(env) for check in checks.CHECKS]
    if as_json:
        out.print_json(json.dumps([asdict(check) for check in found]))
    else:
        checks.show(out, found)
    raise typer.Exit(1 if any(check.remedy for check in found) else 0)


@app.command()
def compose_env() -> None:
    """Writes .env.compose, the secrets and ports for docker-compose.airflow.yml. Keeps existing values."""
    from include.stack.containers.compose_env import main as write

    write()


@app.command()
def kubernetes(namespace: Annotated[str, typer.Option(help="Where the stream runs.")] = "default") -> None:
    """Prints what a namespace of Kubernetes needs for the stream, including passwords, for `kubectl apply -f -`."""
    from include.stack.containers.kubernetes import objects

    found = servers()
    settings = found.reaching("stream") if isinstance(found, Environment) else found.reaching()
    sys.stdout.write(objects(settings, namespace))


app.add_typer(cli_logs.app)
app.add_typer(server_tools.app)
app.add_typer(users.app)
app.add_typer(proof.app)
app.add_typer(cli_stream.app, name="stream")
app.add_typer(service.app, name="service")
app.add_typer(repair.app)
app.add_typer(contract.app, name="contract")
app.add_typer(bench.app)
app.add_typer(develop.app)


def main() -> None:
    """Runs the command."""
    terminal.run(app)


if __name__ == "__main__":
    main()
