"""Shared by all commands: the consoles, the current stack or the user's own servers, and common options."""

import sys
from typing import Annotated

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.markup import escape

from include.contract.errors import ContractError
from include.settings import Settings
from include.source.errors import NoLogError
from include.stack import environment, own_servers
from include.stack.environment import Environment
from include.stack.errors import StackError
from include.stack.own_servers import Servers

out = Console()
err = Console(stderr=True)

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
PASS_ON = {"allow_extra_args": True, "ignore_unknown_options": True}

NO_STACK = "No stack has been started here yet."


def run(app: typer.Typer) -> None:
    """Runs a command. An expected failure prints one message with its remedy and exits with 1."""
    try:
        app(prog_name="./logsieve")
    except (StackError, NoLogError) as error:
        err.print(f"[red]✗[/] {escape(error.message)}", highlight=False)
        err.print(f"→ {error.remedy}", highlight=False, markup=False)
        sys.exit(1)
    except ContractError as error:
        for each in error.problems:
            err.print(f"[red]✗[/] {escape(f'{error.file}:{error.text(each)}')}", highlight=False, soft_wrap=True)
            err.print(f"→ {each.remedy}.", highlight=False, markup=False, soft_wrap=True)
        sys.exit(1)
    except ValidationError as error:
        for wrong in error.errors():
            name = "_".join(str(part) for part in wrong["loc"]).upper()
            prefix = "LOGSIEVE_PORT_" if error.title == "Ports" else "LOGSIEVE_"
            err.print(f"[red]✗[/] The setting {prefix}{name} is invalid: {wrong['msg']}.", highlight=False)
        err.print("→ Correct or unset it; include/settings.py documents every setting.")
        sys.exit(1)


def wait_for(process: int, what: str) -> None:
    """Says which other command this one waits for: see include/stack/machine/lock.py."""
    err.print(f"Waiting until ./logsieve {what} (process {process}) has finished …", soft_wrap=True)


def known() -> Environment:
    """The environment of a stack that was started earlier. Raises StackError if there is none."""
    env = environment.load(Settings())
    if env is None:
        raise StackError(NO_STACK, "Run ./logsieve up first.")
    return env


def servers() -> Servers:
    """The servers of a stack that was started earlier, else the user's own. Raises StackError if there are neither."""
    found = own_servers.load(Settings())
    if found is None:
        named = ", ".join(f"LOGSIEVE_{name.upper()}" for name in own_servers.NAMED_BY)
        raise StackError(NO_STACK, f"Run ./logsieve up first. For your own servers set {named}: docs/own-servers.md.")
    return found
