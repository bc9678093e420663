"""Runs a tool that belongs to a server, such as the one that initialises its data folder."""

import subprocess
from collections.abc import Mapping
from typing import Final

from include.stack import folders
from include.stack.environment import Environment
from include.stack.errors import StackError
from include.stack.servers import server_users

YIELDING: Final = ("nice", "-n", "10")
"""Prefix for a command that yields the CPU to more urgent programs."""
REMEDY: Final = "Run ./logsieve doctor; ./logsieve up --fresh starts from scratch."


def run(
    env: Environment, server: str, command: list[str], what: str, *, text: str = "",
    variables: Mapping[str, str] | None = None, configures: bool = False,
) -> None:  # fmt: skip
    """Runs the command with `text` as its input. Raises StackError, which begins with `what`, if it fails.

    `variables`: beside those that every server gets. `configures`: run it as the user who starts the stack, and who may
    write the configuration, not as the server's user.
    """
    folder = folders.of_server(env.settings, server)
    done = subprocess.run(
        command, input=text, capture_output=True, text=True, cwd=folder,
        env={**env.machine(folder), **(variables or {})}, **({} if configures else server_users.as_user_of(server)),
    )  # fmt: skip
    if done.returncode != 0:
        lines = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
        raise StackError(f"{what}: {' '.join(lines[-3:])}", REMEDY)


def lines(settings: Mapping[str, str]) -> str:
    """The settings as lines `name=value`."""
    return "\n".join(f"{name}={value}" for name, value in settings.items())
