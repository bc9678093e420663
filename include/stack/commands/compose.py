"""The `compose-env` command, for running Logsieve in containers."""

import typer

app = typer.Typer()


@app.command("compose-env")
def compose_env() -> None:
    """Writes .env.compose, the secrets and ports for docker-compose.airflow.yml. Keeps existing values."""
    from include.stack.containers.compose_env import main

    main()
