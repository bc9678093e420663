"""The `./logsieve stream …` commands."""

import typer

from include.stack.commands.terminal import err, known, out

app = typer.Typer(help="Stops or starts the stream.", no_args_is_help=True)


@app.command()
def stop() -> None:
    """Stops the stream until it is started again. No log is lost or judged twice."""
    from include.stack.airflow import stream

    with err.status("Stopping the stream …"):
        ran = stream.stop(known())
    out.print("The stream has stopped." if ran else "The stream was not running.")


@app.command()
def start() -> None:
    """Starts the stream where it stopped: unpauses and triggers `classify_logs`. Exits with 1 if it does not run."""
    from include.stack.airflow import stream

    for line in stream.start(known()):
        out.print(line)
