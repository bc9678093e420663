"""Checks that this machine can run the stack, and names a remedy for each problem."""

import os
import re
import shutil
import socket
import time
from collections.abc import Callable

import psutil
from rich.console import Console

from include import addresses
from include.settings import ROOT
from include.stack import engines, statsd, tables
from include.stack.environment import HOST, Environment
from include.stack.errors import StackError
from include.stack.fetch import mysqld, packages
from include.stack.fetch.parts import find_libaio
from include.stack.machine import cgroup, needs
from include.stack.machine.needs import Check
from include.stack.run.supervisor import process_of
from include.stack.servers import mysql_config

GIB = 2**30
MEMORY = 5 * GIB
OF_A_CLUSTER = 3 * GIB
"""More, for the managers of a cluster and the processes of the stream on it."""
_PLAIN = re.compile(r"[A-Za-z0-9/._+@~-]+")
FIRST_START = GIB
"""Bytes that a state folder takes before it holds any logs."""
OLDEST_CLOCK = 1_750_000_000
"""A Unix time in 2025: a clock that is earlier was never set."""


def architecture(env: Environment) -> Check:
    """Linux on x86_64, the only platform of the embedded MySQL."""
    return needs.architecture()


def java(env: Environment) -> Check:
    """Java 17 or newer on the PATH."""
    return needs.java_version()


def user(env: Environment) -> Check:
    """The user has a name."""
    return needs.user()


def folders(env: Environment) -> Check:
    """Every server can run from the folders of the checkout, the state and the parts."""
    used = (ROOT, env.state, env.settings.parts)
    if env.engine == "yarn" and not all(_PLAIN.fullmatch(str(folder)) for folder in used):
        # Spark's client of YARN looks for their names as they are written in URLs.
        found = f"{', '.join(map(str, used))}: YARN needs plain names (a-z, A-Z, 0-9 and . _ - + @ ~)"
        return Check("folders", found, "Move the checkout, or set LOGSIEVE_STATE and LOGSIEVE_PARTS to other folders.")
    return needs.places(*used)


def mysql(env: Environment) -> Check:
    """A current MySQL is here or can be fetched without root; else the library that the old one needs."""
    data = mysql_config.made_by(env)
    try:
        found = mysqld.find(env.settings, data)
    except StackError as error:
        return Check("MySQL", str(error), error.remedy)
    if found is not None:
        return Check("MySQL", f"{found.name}, {found.home or found.command[0]}")
    if data != mysqld.IN_JAR and packages.available():
        return Check("MySQL", "will be fetched with apt-get")
    if data is not None and data != mysqld.IN_JAR:
        return Check("MySQL", f"none that can open data of {mysqld.text(data)}", mysqld.REMEDY)
    old = f"8.0.15 of 2019, as no newer one {'can open this data' if data else 'is here'}. {mysqld.REMEDY}"
    if packages.available() or find_libaio(env.settings.parts) is not None:
        return Check("MySQL", old)
    return Check(
        "MySQL", f"{old} It needs libaio.so.1.", "dnf install libaio, zypper install libaio1, or pacman -S libaio."
    )


def memory(env: Environment) -> Check:
    """Memory is available for all servers together, 5 GiB, or 8 with a cluster; also within a container's limit."""
    needed = MEMORY + (0 if env.engine == "local" else OF_A_CLUSTER)
    available, bound = psutil.virtual_memory().available, cgroup.available()
    if bound is not None and bound < available:
        remedy = "Raise the limit of this container or service (docker run --memory=8g)."
        found = f"{bound / GIB:.1f} GiB available within this container's limit"
    else:
        remedy = "Close other programs, or use a machine with 8 GiB."
        found = f"{available / GIB:.1f} GiB available"
    enough = min(available, available if bound is None else bound) >= needed
    return Check("memory", found, "" if enough or running(env) else remedy)


def disk(env: Environment) -> Check:
    """Enough disk is free for the state folder: the reserve and, before the first start, its initial size."""
    folder = next(parent for parent in [env.state, *env.state.parents] if parent.exists())
    free = shutil.disk_usage(folder).free
    enough = env.settings.free_gib * GIB + (FIRST_START if folder != env.state else 0)
    remedy = (
        "" if free >= enough else f"Free disk space at {folder}, or set LOGSIEVE_STATE to a folder on another disk."
    )
    found = f"{free / GIB:.1f} GiB free, {enough / GIB:.3g} needed now"
    logs = f", logs may use {env.disk_gib:g}" if env.disk_gib else ", logs are unlimited"
    return Check("disk", found + logs, remedy)


def writable(env: Environment) -> Check:
    """The state folder is writable."""
    folder = next(parent for parent in [env.state, *env.state.parents] if parent.exists())
    remedy = "" if os.access(folder, os.W_OK) else f"Make {folder} writable for you, or set LOGSIEVE_STATE."
    return Check("state folder", str(env.state), remedy)


def clock(env: Environment) -> Check:
    """The clock is set."""
    now = time.time()
    remedy = "" if now > OLDEST_CLOCK else "Set the clock (timedatectl set-ntp true): it timestamps the logs."
    return Check("clock", time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(now)), remedy)


def ports(env: Environment) -> Check:
    """Every port is free, or used by this stack."""
    wanted = engines.ports_used(env.engine, env.settings, env.ports)
    if running(env):
        return Check("ports", "in use by this stack")
    if len(set(wanted.values())) < len(wanted):
        return Check("ports", "two servers share a port", "Set each LOGSIEVE_PORT_… to a different port.")
    taken = {name: port for name, port in wanted.items() if not _is_free(port)}
    if not taken:
        return Check("ports", ", ".join(str(port) for port in wanted.values()) + " are free")
    found = ", ".join(f"{port} ({name})" for name, port in taken.items())
    example = f"LOGSIEVE_PORT_{next(iter(taken)).upper()}=…"
    return Check("ports", f"taken: {found}", f"Stop the program that uses it, or set another port: {example}.")


def own_metrics(env: Environment) -> Check:
    """The StatsD server for the metrics of Kafka, Spark and Airflow has an address. It need not run."""
    wanted = env.settings.metrics_statsd
    if not wanted:
        return Check("StatsD", "none: Kafka, Spark and Airflow tell nothing about themselves")
    host, port = addresses.split(wanted)
    try:
        return Check("StatsD", f"{statsd.address(host)}, UDP port {port}")
    except OSError as error:
        if error.errno == socket.EAI_AGAIN:  # as at the start of the machine; nothing else needs the name
            return Check("StatsD", f"{host}, which no name server answers for now: {error.strerror}")
        remedy = "Set LOGSIEVE_METRICS_STATSD to a name or IPv4 address that this machine knows, or unset it."
        return Check("StatsD", f"{host} has no IPv4 address: {error.args[-1]}", remedy)


def running(env: Environment) -> bool:
    """Whether this stack's supervisord is running."""
    return process_of(env) is not None


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


CHECKS: tuple[Callable[[Environment], Check], ...] = (
    architecture, java, user, folders, mysql, memory, disk, writable, clock, ports, own_metrics,
)  # fmt: skip


def show(console: Console, found: list[Check]) -> None:
    """Prints the checks as a table."""
    table = tables.new("", "check", "found", "remedy")
    for check in found:
        table.add_row("[red]✗" if check.remedy else "[green]✓", check.name, check.found, check.remedy)
    console.print(table)
