"""The Chromium for the browser tests: an installed one, or Debian's package."""

import os
import shutil
import subprocess
from pathlib import Path

from rich.console import Console

VARIABLE = "LOGSIEVE_CHROMIUM"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PACKAGES = ("chromium", "fonts-dejavu-core")
REMEDY = "Install it (Debian: apt-get install chromium), or set LOGSIEVE_CHROMIUM to the path of a Chromium or Chrome."


def find() -> Path | None:
    """Path of the browser: LOGSIEVE_CHROMIUM, or the first of NAMES on the PATH, or None."""
    named = os.environ.get(VARIABLE)
    candidates = (named,) if named else NAMES
    return next((Path(found) for name in candidates if (found := shutil.which(name))), None)


def ensure(console: Console) -> Path | None:
    """Path of the browser. Installs one if there is none, which requires root and apt-get.

    Otherwise prints the reason and returns None; the browser tests are then skipped.
    """
    found = find()
    if found is not None or os.environ.get(VARIABLE):
        return found
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        console.print(f"There is no Chromium, and installing it requires root and apt-get. {REMEDY}", markup=False)
        return None
    console.print("Installing Chromium for the browser tests …", markup=False)
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for words in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", *PACKAGES]):
        done = subprocess.run(["apt-get", *words], env=quiet, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode != 0:
        last = done.stderr.strip().splitlines()[-1:]
        console.print(f"Chromium could not be installed: {' '.join(last)} {REMEDY}", markup=False)
    return find()
