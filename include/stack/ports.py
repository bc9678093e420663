"""The ports of the embedded stack's servers."""

import random
import socket
from contextlib import ExitStack, suppress
from typing import Final

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from include.stack.machine.programs import HOST

_PORTS: Final = 10_000, 32_768
_ANY: Final = random.SystemRandom()


class Ports(BaseSettings):
    """One port per server, all on 127.0.0.1. `LOGSIEVE_PORT_KAFKA=…` sets `kafka`, and so on."""

    model_config = SettingsConfigDict(env_prefix="LOGSIEVE_PORT_", extra="ignore", env_ignore_empty=True)

    postgres: int = Field(default=5432, ge=1, le=65535)
    kafka: int = Field(default=9092, ge=1, le=65535)
    kafka_controller: int = Field(default=9093, ge=1, le=65535)
    kafka_jmx: int = Field(default=9999, ge=1, le=65535)
    """Of Kafka's own metrics, if LOGSIEVE_METRICS_STATSD is set."""
    mysql: int = Field(default=3306, ge=1, le=65535)
    elasticsearch: int = Field(default=9200, ge=1, le=65535)
    elasticsearch_transport: int = Field(default=9300, ge=1, le=65535)
    airflow: int = Field(default=8080, ge=1, le=65535)
    supervisor: int = Field(default=9001, ge=1, le=65535)
    metrics: int = Field(default=9464, ge=1, le=65535)
    spark: int = Field(default=7077, ge=1, le=65535)
    """Of the master, with `--engine spark`."""
    yarn: int = Field(default=8032, ge=1, le=65535)
    """Of the ResourceManager, with `--engine yarn`; so are the next ones."""
    yarn_scheduler: int = Field(default=8030, ge=1, le=65535)
    yarn_tracker: int = Field(default=8031, ge=1, le=65535)
    yarn_admin: int = Field(default=8033, ge=1, le=65535)
    yarn_web: int = Field(default=8088, ge=1, le=65535)
    yarn_node_1: int = Field(default=8041, ge=1, le=65535)
    yarn_node_2: int = Field(default=8042, ge=1, le=65535)


def free_ports() -> dict[str, int]:
    """A free port for each server, by name: one after the other, so that two stacks that choose at the same time seldom
    choose the same.

    They are below the ports of outgoing connections, one of which could otherwise take a server's while it restarts.
    """
    return free(*Ports.model_fields)


def free(*names: str) -> dict[str, int]:
    """The same for servers of these names."""
    while True:
        first = _ANY.randrange(*_PORTS, len(names))
        ports = range(first, first + len(names))
        with ExitStack() as held, suppress(OSError):
            for port in ports:
                held.enter_context(socket.socket()).bind((HOST, port))
            return dict(zip(names, ports, strict=True))
