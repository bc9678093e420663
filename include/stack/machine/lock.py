"""One command at a time: a locked file, which the kernel frees when its holder ends. Standard library only."""

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
    """Holds the lock; the file says who does, by process and `what`, and is gone with it.

    Where somebody else does, `on_wait` is told of whom, its process and what it does, and may end it; it is told again
    where the next one was faster. Raises StackError where the file cannot be made.
    """
    told = 0
    while (descriptor := _take(file)) is None:
        process, deed = holder(file)
        if process not in (0, told):  # 0: it has only just begun
            on_wait(process, deed)
            told = process
        time.sleep(_LOOK_SECONDS)
    try:
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()} {what}".encode(), 0)
        yield
    finally:
        file.unlink(missing_ok=True)
        with suppress(OSError):  # whatever was made there stays
            file.parent.rmdir()
        os.close(descriptor)


def holder(file: Path) -> tuple[int, str]:
    """Process id and deed of who holds the lock; 0 where nobody has said so."""
    with suppress(OSError, ValueError):
        number, _, what = file.read_text().partition(" ")
        return int(number), what
    return 0, "another command"


def _take(file: Path) -> int | None:
    """The open file, locked; None when somebody else had it, or has removed it meanwhile."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        is_in_the_way = file.parent.exists() and not file.parent.is_dir()
        if isinstance(error, FileExistsError | FileNotFoundError) and not is_in_the_way:
            return None  # its last holder has just removed the folder
        raise StackError(
            f"{file.parent} cannot be written: {error.strerror}.",
            f"Give yourself the right to write {file.parent}, or name others: LOGSIEVE_STATE, LOGSIEVE_PARTS.",
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
