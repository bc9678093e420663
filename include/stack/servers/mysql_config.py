"""Prepares the embedded MySQL."""

import shutil
from contextlib import suppress
from typing import Final

from include.stack import folders
from include.stack.environment import HOST, Environment
from include.stack.fetch import mysqld
from include.stack.fetch.mysqld import Mysqld, Version
from include.stack.servers import mysql_users, server_users, tools

VERSION: Final = "version"
"""File in MySQL's folder with the version that last opened the data."""

MYSQL = {
    "mysqlx": "OFF",
    "character_set_server": "utf8mb4",
    "default_time_zone": "+00:00",
    "local_infile": "ON",
    "secure_file_priv": "NULL",
    "performance_schema": "OFF",
    "innodb_buffer_pool_size": "256M",
    "innodb_io_capacity": "2000",
    "innodb_adaptive_hash_index": "OFF",
    "max_connections": "100",
    "innodb_max_undo_log_size": "67108864",
}
"""MySQL's settings, valid from 8.0 to 9.7; a test keeps docker-compose.airflow.yml identical."""


def made_by(env: Environment) -> Version | None:
    """The version that the data was made or last opened by; None if there is no data."""
    folder = folders.of_server(env.settings, "mysql")
    if not (folder / "data" / "mysql.ibd").exists():
        return None
    with suppress(OSError, ValueError):
        major, minor, patch = (folder / VERSION).read_text().split(".")
        return int(major), int(minor), int(patch)
    return mysqld.IN_JAR  # the only server that was used before the version was noted


def prepare(env: Environment, chosen: Mysqld) -> None:
    """Writes my.cnf and the users with their rights, and initialises the data folder once. Raises StackError."""
    folder = folders.of_server(env.settings, "mysql")
    data, users = folder / "data", folder / "users.sql"
    # mysqld runs this file at every start.
    server_users.write_readable(users, "".join(f"{line};\n" for line in mysql_users.local(env.passwords)), "mysql")
    server_users.write_readable(
        folder / "my.cnf",
        f"""[mysqld]
datadir={data}
port={env.ports.mysql}
bind_address={HOST}
socket={folders.MYSQL_SOCKET}
skip_name_resolve
skip_log_bin
init_file={users}
{tools.lines(MYSQL | chosen.settings)}
""",
        "mysql",
    )
    if not (data / "mysql.ibd").exists():
        shutil.rmtree(data, ignore_errors=True)
        server_users.prepare(env, "mysql")
        command = [*tools.YIELDING, *chosen.command, "--no-defaults", f"--datadir={data}", "--initialize-insecure"]
        command += [f"--{name}={value}" for name, value in chosen.settings.items()]
        what = f"The data folder of MySQL {chosen.name} could not be initialised"
        tools.run(env, "mysql", command, what, variables=chosen.variables)
    # Before it starts: once it has opened the data, no older one may.
    server_users.write_readable(folder / VERSION, f"{chosen.name}\n", "mysql")
