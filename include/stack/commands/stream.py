"""The commands `./logsieve stream …`."""

import typer

from include.stack.commands.terminal import err, known, out

app = typer.Typer(help="Stops and starts the stream.", no_args_is_help=True)


@app.command()
def stop() -> None:
    """Ends the stream and keeps it down until it is started again; nothing is lost, and nothing is judged twice."""
    from include.stack.airflow import stream

    with err.status("Stopping the stream …"):
        ran = stream.stop(known())
    out.print("The stream has ended." if ran else "The stream was not running.")


@app.command()
def start() -> None:
    """Triggers the DAG `classify_logs`, unpaused; it goes on where it ended. Ends with 1 when its task does not run."""
    from include.stack.airflow import stream

    for told in stream.start(known()):
        out.print(told)
