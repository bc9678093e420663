"""The Chromium that the tests of the page look through: one that is there, or Debian's package."""

import os
import shutil
import subprocess
from pathlib import Path

from rich.console import Console

VARIABLE = "LOGSIEVE_CHROMIUM"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PACKAGES = ("chromium", "fonts-dejavu-core")
REMEDY = (
    "Install it (Debian: apt-get install chromium), or set LOGSIEVE_CHROMIUM to the program of a Chromium or Chrome."
)


def find() -> Path | None:
    """The browser's program: LOGSIEVE_CHROMIUM, else the first that PATH has, else None."""
    named = os.environ.get(VARIABLE)
    candidates = (named,) if named else NAMES
    return next((Path(found) for name in candidates if (found := shutil.which(name))), None)


def ensure(console: Console) -> Path | None:
    """The browser, installed where there is none: with apt-get, as root. None, after printing why, if it cannot be.

    The tests of the page are then skipped, and say why.
    """
    found = find()
    if found is not None or os.environ.get(VARIABLE):
        return found
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        console.print(f"No Chromium is here, and without root and apt-get none is installed. {REMEDY}", markup=False)
        return None
    console.print("Installing Chromium, for the tests of the page …", markup=False)
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for words in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", *PACKAGES]):
        done = subprocess.run(["apt-get", *words], env=quiet, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode != 0:
        last = done.stderr.strip().splitlines()[-1:]
        console.print(f"Chromium could not be installed: {' '.join(last)} {REMEDY}", markup=False)
    return find()
