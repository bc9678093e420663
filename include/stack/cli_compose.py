"""The command for who runs Logsieve in containers: compose-env."""

import os

import typer

from include.stack.terminal import out

app = typer.Typer()


@app.command("compose-env")
def compose_env() -> None:
    """Makes .env.compose, the secrets of docker-compose.airflow.yml; what is in it already stays."""
    from include.stack.compose_env import COMMAND, FILE, write

    added = write(FILE, os.environ)
    out.print(f"{FILE.name}: {len(added)} added." if added else f"{FILE.name} has everything already.")
    out.print(f"Next: {COMMAND} up --build --detach", soft_wrap=True, highlight=False)
