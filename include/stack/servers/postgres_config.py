"""Prepares the embedded PostgreSQL, which holds Airflow's metadata."""

import secrets
import shutil
from pathlib import Path

from include.stack import folders
from include.stack.environment import HOST, Environment
from include.stack.servers import server_users, tools


def prepare(env: Environment, home: Path) -> None:
    """Initialises the data folder once, with a role for Airflow that owns its database. `home`: the program's folder.

    The superuser has no password, so nobody can log in as it. Raises StackError.
    """
    folder = folders.of_server(env.settings, "postgres")
    data = folder / "data"
    if (data / "PG_VERSION").exists():
        return
    what = "PostgreSQL's data folder could not be initialised"
    # Renamed once it is complete.
    partial, password = folder / "tmp" / "data", folder / "password"
    shutil.rmtree(partial, ignore_errors=True)
    server_users.write_readable(password, secrets.token_urlsafe(24), "postgres")
    command = [str(home / "bin" / "initdb"), "-D", str(partial), "-U", "postgres", f"--pwfile={password}"]
    command += ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-instructions"]
    tools.run(env, "postgres", command, what)
    password.unlink()
    alone = [str(home / "bin" / "postgres"), "--single", "-c", "exit_on_error=on", "-D", str(partial), "postgres"]
    tools.run(env, "postgres", alone, what, text=_roles(env))
    shutil.rmtree(data, ignore_errors=True)
    partial.rename(data)


def _roles(env: Environment) -> str:
    return f"""ALTER ROLE postgres PASSWORD NULL;
CREATE ROLE airflow LOGIN PASSWORD '{env.passwords["postgres"]}';
ALTER DATABASE postgres OWNER TO airflow;
"""


def command(env: Environment, home: Path) -> list[str]:
    """The command that starts PostgreSQL, with little memory: on a Unix socket, else on loopback."""
    host, port = folders.postgres_address(env.settings, env.ports)
    settings = {
        "listen_addresses": host if host == HOST else "",
        "port": str(port),
        "unix_socket_directories": "" if host == HOST else f'"{host}"',
        "shared_buffers": "64MB",
        "max_connections": "60",
        "max_wal_size": "128MB",
        "timezone": "UTC",
    }
    options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    return [str(home / "bin" / "postgres"), "-D", str(folders.of_server(env.settings, "postgres") / "data"), *options]
