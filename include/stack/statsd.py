"""The StatsD server to which Airflow and Spark send their own metrics."""

import socket


def address(host: str) -> str:
    """Its IPv4 address, which is all that Airflow's client knows. Raises OSError if the name has none."""
    return str(socket.getaddrinfo(host, None, socket.AF_INET, socket.SOCK_DGRAM)[0][4][0])


def by_address(host_and_port: str) -> str:
    """The same with the address in place of the name, if it has one: Airflow asks for it at the start of each task.

    A name server that hangs would delay the task; without an answer Airflow goes on without metrics.
    """
    host, _, port = host_and_port.rpartition(":")
    try:
        return f"{address(host)}:{port}" if host else ""
    except OSError:
        return host_and_port
