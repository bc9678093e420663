"""The command for who runs Logsieve in containers: compose-env."""

import typer

app = typer.Typer()


@app.command("compose-env")
def compose_env() -> None:
    """Makes .env.compose, the secrets of docker-compose.airflow.yml; what is in it already stays."""
    from include.stack.containers.compose_env import main

    main()
