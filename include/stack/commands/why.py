"""Implements `./logsieve why`: prints the history of one log, see include/why/story.py."""

from rich.console import Console

from include.printable import printable
from include.stack.errors import StackError
from include.stack.own_servers import Servers
from include.why import story as why
from include.why.facts import NoSuchLogError
from include.why.story import Story


def read(env: Servers, key: str) -> Story:
    """The history of the log with this origin. Raises StackError for an invalid origin or a log not sent yet."""
    try:
        return why.read(env.outside, env.settings, key)
    except NoSuchLogError as error:
        raise StackError(error.message, error.remedy) from error


def show(console: Console, story: Story) -> None:
    """Prints the history, one fact per line."""
    log = story.log

    def line(name: str, value: str) -> None:
        # Contains untrusted text: neither rich markup nor terminal escape sequences may be interpreted.
        console.print(printable(f"{name:<20} {value}"), markup=False, highlight=False, soft_wrap=True)

    line("log", story.origin)
    if log:
        line("bytes", log["text"] if log["raw"] is not None else "none: a tombstone")
        line("size", f"{log['size']:,} bytes" if log["size"] is not None else "-")
    else:
        line("bytes", "not available at any hop")
    if "received_at" in log:
        line("key", log["key"])
        line("received", log["received_at"])
    line("status", story.status or "none yet")
    for reason, meaning in story.reasons.items():
        line("  " + reason, meaning)
    line("users", story.users)
    for hop, state in story.hops.items():
        line(hop, state)
    for server, error in story.away.items():
        line(f"{server} is down", error)
