"""The commands `service install` and `service remove`: a systemd unit of the user starts the stack with the machine."""

import os
import subprocess
from pathlib import Path
from typing import Final

import typer

from include.contract.changing import in_effect
from include.settings import ROOT, Settings
from include.stack.commands.terminal import out
from include.stack.errors import StackError
from include.stack.machine import shell
from include.stack.private import write_private

app = typer.Typer(help="Starts the stack with the machine.", no_args_is_help=True)

NAME: Final = "logsieve.service"
_START_SECONDS: Final = 1800
_STOP_SECONDS: Final = 180


def unit_file() -> Path:
    """Where systemd looks for units of the user."""
    config = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return config / "systemd" / "user" / NAME


def unit(settings: Settings) -> str:
    """The unit's text. It keeps the variables of the shell that `up` would use now."""
    given = {name: value for name, value in os.environ.items() if name.startswith("LOGSIEVE_") and value}
    given |= {f"LOGSIEVE_{name.upper()}": str(getattr(settings, name)) for name in ("state", "parts")}
    given["LOGSIEVE_CONTRACT"] = str(in_effect.declared(settings))
    given["PATH"] = os.environ.get("PATH", shell.SYSTEM_PATH)
    given.pop(shell.STACK_VARIABLE, None)
    command = _quoted(str(ROOT / "logsieve"))
    return "\n".join(
        [
            "[Unit]",
            "Description=Logsieve",
            "[Service]",
            # `up` returns once logs have reached every hop; what it has started goes on.
            "Type=oneshot",
            "RemainAfterExit=yes",
            "UMask=0077",
            *(f"Environment={_quoted(f'{name}={value}')}" for name, value in sorted(given.items())),
            f"ExecStart={command} up",
            f"ExecStop={command} down",
            f"TimeoutStartSec={_START_SECONDS}",
            f"TimeoutStopSec={_STOP_SECONDS}",
            "[Install]",
            "WantedBy=default.target",
            "",
        ]
    )


def _quoted(text: str) -> str:
    """A word of a unit in quotes (systemd.syntax). `doctor` refuses folders with a dollar sign."""
    for letter, replacement in (("\\", "\\\\"), ('"', '\\"'), ("%", "%%"), ("\n", "\\n")):
        text = text.replace(letter, replacement)
    return f'"{text}"'


@app.command()
def install() -> None:
    """Starts the stack whenever this machine starts, as the present user and with the present settings."""
    file = unit_file()
    _systemctl("show-environment")  # before anything is written: it may not run
    write_private(file, unit(Settings()))
    _systemctl("daemon-reload")
    _systemctl("enable", NAME)
    lingering = subprocess.run(["loginctl", "enable-linger"], capture_output=True, text=True)
    out.print(f"{NAME} starts the stack: {file}", soft_wrap=True, highlight=False)
    if lingering.returncode != 0:
        out.print(
            "Only once you log in, however, because lingering was refused. As root: loginctl enable-linger"
            f" {os.environ.get('USER', 'USER')}",
            soft_wrap=True,
            highlight=False,
        )


@app.command()
def remove() -> None:
    """Undoes `install`. A running stack goes on."""
    file = unit_file()
    if not file.exists():
        out.print(f"There is no {file}.", soft_wrap=True, highlight=False)
        return
    _systemctl("disable", NAME)
    file.unlink()
    _systemctl("daemon-reload")
    out.print(f"{file} is removed. The stack itself runs until ./logsieve down.", soft_wrap=True, highlight=False)


def _systemctl(*words: str) -> None:
    remedy = "Let whatever starts programs on this machine run `./logsieve up`, such as a line @reboot of crontab."
    try:
        done = subprocess.run(["systemctl", "--user", *words], capture_output=True, text=True)
    except FileNotFoundError as error:
        raise StackError("This machine has no systemd.", remedy) from error
    if done.returncode != 0:
        why = done.stderr.strip() or f"exit code {done.returncode}"
        raise StackError(f"systemctl --user {words[0]} failed: {why}", remedy)
