"""Prepares the embedded MySQL."""

import shutil
from pathlib import Path

from include.stack.environment import HOST, Environment
from include.stack.servers import mysql_users, server_users, tools

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
"""MySQL's settings, valid for 8.0 and 8.4; a test keeps docker-compose.airflow.yml identical."""


def prepare(env: Environment, home: Path, libaio: Path) -> None:
    """Writes my.cnf and the users with their rights, and initialises the data folder once. Raises StackError.

    `home`: folder of the program. `libaio`: folder of a library that it needs.
    """
    folder = server_users.folder_of(env, "mysql")
    data, users = folder / "data", folder / "users.sql"
    # mysqld runs this file at every start.
    statements = mysql_users.statements(env.passwords, HOST, root=True)
    server_users.write_readable(users, "".join(f"{line};\n" for line in statements), "mysql")
    server_users.write_readable(
        folder / "my.cnf",
        f"""[mysqld]
basedir={home}
datadir={data}
port={env.ports.mysql}
bind_address={HOST}
socket=mysql.sock
skip_name_resolve
skip_log_bin
init_file={users}
innodb_log_file_size=256M
{tools.lines(MYSQL)}
""",
        "mysql",
    )
    if (data / "mysql.ibd").exists():
        return
    shutil.rmtree(data, ignore_errors=True)
    server_users.prepare(env, "mysql")
    command = [*tools.YIELDING, str(home / "bin" / "mysqld"), "--no-defaults", f"--basedir={home}", f"--datadir={data}"]
    command += ["--initialize-insecure", "--innodb-log-file-size=256M"]
    variables = {"LD_LIBRARY_PATH": str(libaio)}
    tools.run(env, "mysql", command, "MySQL's data folder could not be initialised", variables=variables)
