"""Allows one command at a time, with a file lock, which the kernel releases on exit. Standard library only."""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from include.stack.errors import StackError

_LOOK_SECONDS = 0.1


@contextmanager
def held(file: Path, what: str, on_wait: Callable[[int, str], None]) -> Iterator[None]:
    """Holds the lock. The file contains the process id of its holder and `what`, and is removed on release.

    While another process holds the lock, `on_wait` is called once per holder with its process id and `what`, and may
    stop that process. Raises StackError if the file cannot be created.
    """
    reported = 0
    while (descriptor := _take(file)) is None:
        process, activity = holder(file)
        if process not in (0, reported):  # 0: it has not written the file yet
            on_wait(process, activity)
            reported = process
        time.sleep(_LOOK_SECONDS)
    try:
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()} {what}".encode(), 0)
        yield
    finally:
        file.unlink(missing_ok=True)
        with suppress(OSError):  # the folder may contain other files
            file.parent.rmdir()
        os.close(descriptor)


def holder(file: Path) -> tuple[int, str]:
    """Process id of the lock's holder and its `what`; process id 0 if the file does not contain them."""
    with suppress(OSError, ValueError):
        number, _, what = file.read_text().partition(" ")
        return int(number), what
    return 0, "another command"


def _take(file: Path) -> int | None:
    """The descriptor of the locked file; None if another process holds the lock or has just removed the file."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        is_in_the_way = file.parent.exists() and not file.parent.is_dir()
        if isinstance(error, FileExistsError | FileNotFoundError) and not is_in_the_way:
            return None  # its last holder has just removed the folder
        raise StackError(
            f"{file.parent} cannot be written: {error.strerror}.",
            f"Make {file.parent} writable for you, or choose other folders: LOGSIEVE_STATE, LOGSIEVE_PARTS.",
        ) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(descriptor).st_ino == file.stat().st_ino:
            return descriptor
    except (BlockingIOError, FileNotFoundError):
        pass
    except BaseException:
        os.close(descriptor)
        raise
    os.close(descriptor)
    return None
