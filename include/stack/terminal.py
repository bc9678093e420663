"""What the commands share: where they print, the stack they speak to, options that mean the same everywhere."""

from typing import Annotated

import typer
from rich.console import Console

from include.settings import Settings
from include.stack import environment
from include.stack.environment import Environment
from include.stack.errors import StackError

out = Console()
err = Console(stderr=True)

Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
PASS_ON = {"allow_extra_args": True, "ignore_unknown_options": True}


def known() -> Environment:
    """The environment of a stack that was started before. Raises StackError when there is none."""
    env = environment.load(Settings())
    if env is None:
        raise StackError("No stack was started here yet.", "Run ./logsieve up first.")
    return env
