"""Commands that run a server's own client with the login of whoever started the stack, or print what one needs.

No command line has a password, and no file on a disk.
"""

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import typer

from include.clients import kafka
from include.stack.commands.terminal import PASS_ON, known
from include.stack.environment import HOST, STACK_VARIABLE
from include.stack.errors import StackError
from include.stack.fetch import mysqld

app = typer.Typer()

_OWN_HELP: Final[dict[str, Any]] = PASS_ON | {"help_option_names": []}
_PACKAGES: Final = {
    "curl": "curl",
    "java": "openjdk-17-jre-headless on Debian and Ubuntu, java-17-openjdk-headless on Fedora",
    "mysql": "default-mysql-client on Debian, mysql-client on Ubuntu, mysql on Fedora",
}


_KAFKA: Final = {
    "kafka-console-consumer": "org.apache.kafka.tools.consumer.ConsoleConsumer",
    "kafka-console-producer": "org.apache.kafka.tools.ConsoleProducer",
    "kafka-consumer-groups": "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand",
    "kafka-topics": "org.apache.kafka.tools.TopicCommand",
    "kafka-configs": "kafka.admin.ConfigCommand",
}
"""Kafka's own tools that look at topics and change them, and their classes."""


def _of_kafka(name: str, tool: str) -> None:
    @app.command(name, context_settings=_OWN_HELP, help=f"Runs Kafka's own {name}, logged in to this stack.")
    def run(context: typer.Context) -> None:
        settings = known().reaching()
        login = _in_memory("".join(f"{key}={value}\n" for key, value in kafka.java(settings).items()))
        java = ["java", "-Xmx128m", "-XX:TieredStopAtLevel=1", "-Dlog4j2.level=ERROR"]
        command = [*java, "-cp", f"{settings.parts}/jars/kafka/*", tool, "--bootstrap-server", settings.kafka_bootstrap]
        _run([*command, "--command-config", f"/dev/fd/{login}", *context.args], login)


for _name, _tool in _KAFKA.items():
    _of_kafka(_name, _tool)


@app.command(context_settings=_OWN_HELP)
def curl(context: typer.Context) -> None:
    """Asks Elasticsearch with curl, for example `./logsieve curl /server-logs/_count`."""
    settings = known().reaching()
    words = [f"{settings.elasticsearch_url}{word}" if word.startswith("/") else word for word in context.args]
    user, password = settings.elasticsearch_user, settings.elasticsearch_password.get_secret_value()
    login = _in_memory(f'silent\nshow-error\nuser = "{user}:{password}"\n')
    _run(["curl", "--config", f"/dev/fd/{login}", *words], login)


@app.command(context_settings=_OWN_HELP)
def mysql(context: typer.Context) -> None:
    """Opens MySQL's client as root, for example `./logsieve mysql logs -e "SELECT COUNT(*) FROM good_logs"`."""
    env = known()
    server = ["--protocol=tcp", f"--host={HOST}", f"--port={env.ports.mysql}"]
    if socket := env.reaching().mysql_socket:
        server = ["--protocol=socket", f"--socket={socket}"]
    client = [*(mysqld.client(env.settings) or ["mysql"]), *server, "--user=root"]
    _run([*client, *context.args], MYSQL_PWD=env.passwords["mysql_root"])


@app.command(context_settings=PASS_ON | {"help_option_names": []})
def airflow(context: typer.Context) -> None:
    """Runs the Airflow CLI against this stack, for example `./logsieve airflow dags test bootstrap`."""
    command = [sys.executable, "-m", "airflow", *context.args]
    variables = known().whole()
    del variables[STACK_VARIABLE]  # without the mark, `down` does not stop it
    raise typer.Exit(subprocess.run(command, env=variables).returncode)


@app.command("env")
def print_env() -> None:
    """Prints the stack's environment variables, including secrets, for `eval "$(./logsieve env)"`."""
    variables = known().variables()
    variables["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    for name, value in variables.items():
        print(f"export {name}={shlex.quote(value)}")  # noqa: T201


def _in_memory(text: str) -> int:
    """The descriptor of a file in memory, which a program that inherits it reads as /dev/fd/N."""
    descriptor = os.memfd_create("login", 0)
    os.write(descriptor, text.encode())
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


def _run(command: list[str], *inherited: int, **variables: str) -> None:
    name = command[0]
    if shutil.which(name) is None:
        raise StackError(f"There is no {name} on the PATH.", f"Install it: {_PACKAGES[name]}.")
    done = subprocess.run(command, env={**os.environ, **variables}, pass_fds=inherited)
    raise typer.Exit(done.returncode)
