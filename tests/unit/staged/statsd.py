"""A StatsD server that remembers what it is sent."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Heard:
    """What it has received: by name, the newest value with its kind, such as `5|g`."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.values: dict[str, str] = {}

    def of_spark(self) -> dict[str, str]:
        return {name: value for name, value in dict(self.values).items() if name.startswith("spark.")}


@contextmanager
def listening(port: int = 0) -> Iterator[Heard]:
    """Listens until the end; by default on any port."""
    ended = threading.Event()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", port))
        server.settimeout(0.2)
        heard = Heard(server.getsockname()[1])

        def listen() -> None:
            while not ended.is_set():
                try:
                    lines = server.recv(65535).decode().splitlines()
                except TimeoutError:
                    continue
                heard.values |= dict(line.split(":", 1) for line in lines)

        thread = threading.Thread(target=listen)
        thread.start()
        try:
            yield heard
        finally:
            ended.set()
            thread.join()
