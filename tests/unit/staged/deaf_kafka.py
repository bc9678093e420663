"""A proxy for Kafka that forwards all requests, or all except fetch requests."""

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from socketserver import BaseRequestHandler, ThreadingTCPServer

_FETCH = 1
"""The key of that request, in its first two bytes."""


class DeafKafka:
    """`address`: where clients connect. While `is_deaf` is set, clients get neither messages nor errors; while
    `is_silent`, no answer at all."""

    def __init__(self, address: str, server: ThreadingTCPServer) -> None:
        host, port = address.split(":")
        self._there = (host, int(port))
        self._here = server.server_address[1]
        self.address = f"127.0.0.1:{self._here}"
        self.is_deaf, self.is_silent = threading.Event(), threading.Event()

    def connect(self, client: socket.socket) -> None:
        """Forwards until either side closes."""
        with socket.create_connection(self._there) as kafka:
            answers = threading.Thread(target=self._answer, args=(kafka, client), daemon=True)
            answers.start()
            for request in _messages(client):
                is_fetch = request.startswith(struct.pack(">h", _FETCH))
                if not (self.is_silent.is_set() or (self.is_deaf.is_set() and is_fetch)):
                    kafka.sendall(struct.pack(">i", len(request)) + request)
            kafka.shutdown(socket.SHUT_RDWR)
            answers.join()

    def _answer(self, kafka: socket.socket, client: socket.socket) -> None:
        # Kafka tells its own address, and clients would go there.
        there, here = struct.pack(">i", self._there[1]), struct.pack(">i", self._here)
        with suppress(OSError):
            for answer in _messages(kafka):
                client.sendall(struct.pack(">i", len(answer)) + answer.replace(there, here))


@contextmanager
def deaf_kafka(address: str) -> Iterator[DeafKafka]:
    """Runs the proxy for the Kafka at this address."""

    class Handler(BaseRequestHandler):
        def handle(self) -> None:
            made.connect(self.request)

    ThreadingTCPServer.daemon_threads = True
    with ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        made = DeafKafka(address, server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield made
        server.shutdown()


def _messages(connection: socket.socket) -> Iterator[bytes]:
    """Yields requests or answers; each is preceded by its length."""
    with connection.makefile("rb") as stream, suppress(OSError):
        while len(length := stream.read(4)) == 4:
            yield stream.read(*struct.unpack(">i", length))
