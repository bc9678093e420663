"""The StatsD server to which Airflow and Spark send their own metrics."""

import socket

from include import addresses


def address(host: str) -> str:
    """Its IPv4 address, which is all that Airflow's client knows. Raises OSError if the name has none."""
    try:
        return str(socket.getaddrinfo(host, None, socket.AF_INET, socket.SOCK_DGRAM)[0][4][0])
    except UnicodeError as error:  # of a name with an empty part, or one that is too long
        raise OSError(str(error)) from error


def by_address(host_and_port: str) -> str:
    """The same with the address in place of the name, if it has one: Airflow asks for it at the start of each task.

    A name server that hangs would delay the task; without an answer Airflow goes on without metrics.
    """
    if not host_and_port:
        return ""
    host, port = addresses.split(host_and_port)
    try:
        return f"{address(host)}:{port}"
    except OSError:
        return host_and_port
