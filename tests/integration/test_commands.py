"""The command as seen by its user: its answers and its errors."""

import json
import os
import re
import shlex
import socket
import stat
import subprocess
from pathlib import Path

import pytest

from include.names import INDEXER_GROUP, STATUSES
from include.settings import ROOT
from include.stack.engines import ports_used
from include.stack.fetch import mysqld
from include.stack.own_servers import NAMED_BY
from include.stack.servers import mysql_users
from tests.integration.stack import Stack, wait_until_it_loads

README = (ROOT / "README.md").read_text()


def test_up_prints_counts_addresses_and_where_the_password_is(stack: Stack) -> None:
    printed = stack.first_up.stdout  # type: ignore[attr-defined]
    assert "server-logs-status" in printed
    assert f"http://127.0.0.1:{stack.ports['airflow']}" in printed
    assert "password: airflow_admin in" in printed
    assert stack.passwords["airflow_admin"] not in printed, "no terminal: others may read it"


def test_a_second_up_at_the_same_time_waited_and_found_it_running(stack: Stack) -> None:
    second = stack.second_up  # type: ignore[attr-defined]
    assert "Waiting until ./logsieve up" in second.stderr
    assert "running already" in second.stdout


def test_up_again_finds_it_running_and_shows_the_password_in_a_terminal(stack: Stack) -> None:
    command = shlex.join([str(ROOT / "logsieve"), "up"])
    done = subprocess.run(
        ["script", "--quiet", "--return", "--command", command, "/dev/null"],
        env=stack.variables, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    assert "running already" in done.stdout
    assert f"password: {stack.passwords['airflow_admin']}" in done.stdout


def test_a_taken_port_is_named_before_anything_starts(stack: Stack, tmp_path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = stack.run("up", LOGSIEVE_STATE=str(tmp_path / "state"), LOGSIEVE_PORT_KAFKA=port)
    assert done.returncode == 1
    assert port in done.stderr
    assert "LOGSIEVE_PORT_" in done.stderr
    assert not (tmp_path / "state").exists(), "nothing was half started"


@pytest.mark.parametrize(
    ("variable", "value"), [("LOGSIEVE_RATE", "fast"), ("LOGSIEVE_PORT_KAFKA", "0"), ("LOGSIEVE_SHARE_BAD", "2")]
)
def test_a_wrong_setting_is_named(stack: Stack, tmp_path, variable: str, value: str) -> None:
    done = stack.run("up", **{variable: value, "LOGSIEVE_STATE": str(tmp_path / "state")})
    assert done.returncode == 1
    assert variable in done.stderr
    assert "Traceback" not in done.stderr


def test_java_missing_is_named_with_its_remedy(stack: Stack, tmp_path) -> None:
    """With a PATH that has every program except java."""
    for folder in [Path(found) for found in reversed(os.environ["PATH"].split(":")) if Path(found).is_dir()]:
        for program in folder.iterdir():
            if program.name != "java" and not (tmp_path / program.name).exists():
                (tmp_path / program.name).symlink_to(program)
    done = stack.run("up", PATH=str(tmp_path), LOGSIEVE_STATE=str(tmp_path / "state"))
    assert done.returncode == 1
    assert "Install Java 17" in done.stderr
    assert not (tmp_path / "state").exists()


def test_before_the_first_up_commands_report_it(stack: Stack, tmp_path) -> None:
    nothing = {"LOGSIEVE_STATE": str(tmp_path / "none"), **{f"LOGSIEVE_{name.upper()}": "" for name in NAMED_BY}}
    for command in (["status"], ["down"], ["topics"], ["tail", "server-logs"], ["logs", "kafka"]):
        done = stack.run(*command, **nothing)
        assert done.returncode == 1, command
        assert "./logsieve up" in done.stderr, command


def test_topics_lists_partitions_and_offsets(stack: Stack) -> None:
    rows = json.loads(stack.run("topics", "--json").stdout)
    ends = stack.ends("server-logs")
    found = {row["partition"]: row["next"] for row in rows if row["topic"] == "server-logs"}
    assert found.keys() == ends.keys()
    assert all(found[partition] <= ends[partition] for partition in ends)
    assert "server-logs-status" in stack.run("topics").stdout


def test_tail_prints_messages_of_one_status(stack: Stack) -> None:
    options = ("--from-beginning", "--status", "bad", "--count", "5")
    done = stack.run("tail", "server-logs-status", *options, COLUMNS="80")
    lines = done.stdout.splitlines()
    assert len(lines) == 5, done.stderr
    for line in lines:
        place, key, value = line.split(" ", 2)
        assert re.fullmatch(r"\d+-\d+", place)
        assert json.loads(value)["status"] == "bad"
        assert key.split("-")[0] == place.split("-")[0]


def test_tail_of_an_unknown_topic_names_the_known_ones(stack: Stack) -> None:
    done = stack.run("tail", "server-log")
    assert done.returncode == 1
    assert "server-logs-status" in done.stderr


def test_generate_sends_exactly_the_count(stack: Stack) -> None:
    before = sum(stack.ends("server-logs").values())
    done = stack.run("generate", "--count", "500")
    assert done.returncode == 0, done.stderr
    assert sum(stack.ends("server-logs").values()) >= before + 500


def test_users_prints_an_accounts_periods(stack: Stack) -> None:
    (device,) = stack.root_sql("SELECT user_device FROM dim_users.users WHERE account_no = 684")[0]
    found = json.loads(stack.run("users", "684", "--json").stdout)
    assert found["account_no"] == 684
    assert found["periods"][0]["valid_from"] == "1970-01-01"
    assert (found["periods"][-1]["device"], found["periods"][-1]["current"]) == (device, True)
    printed = stack.run("users", "684").stdout
    assert re.search(rf"{device}\b.*the beginning", printed)
    assert "current" in printed


@pytest.mark.parametrize(
    ("account", "error"),
    [("-685", "Account -685 was never known"), ("2147483648", "'2147483648' is no account, which is a 32-bit integer")],
)
def test_users_reports_what_is_no_known_account(stack: Stack, account: str, error: str) -> None:
    done = stack.run("users", account)
    assert done.returncode == 1
    assert error in done.stderr


def test_logs_shows_a_server(stack: Stack) -> None:
    assert "success: kafka entered RUNNING" in stack.run("logs", "supervisord", "-n", "1000").stdout
    done = stack.run("logs", "nothing")
    assert done.returncode == 1
    assert "airflow-scheduler" in done.stderr


def test_doctor_finds_no_fault_while_the_stack_runs(stack: Stack) -> None:
    done = stack.run("doctor", "--json")
    assert done.returncode == 0, done.stdout
    names = {check["name"] for check in json.loads(done.stdout)}
    assert {"architecture", "java", "MySQL", "memory", "disk", "clock", "ports"} <= names


def test_secrets_are_readable_by_their_owner_and_their_server_only(stack: Stack) -> None:
    of_servers = {f"{server}/{name}" for server, name in (("mysql", "users.sql"), ("kafka", "server.properties"))}
    for name in ("stack.json", "supervisord.conf", "airflow/passwords.json", *of_servers):
        file = stack.state / name
        shared = name in of_servers and os.geteuid() == 0
        assert stat.S_IMODE(file.stat().st_mode) == (0o640 if shared else 0o600), name
        assert not shared or file.group() == f"logsieve-{file.parent.name}"


@pytest.mark.parametrize("host", mysql_users.LOCAL_HOSTS)
def test_the_stream_may_not_change_users_and_the_reader_may_change_nothing(stack: Stack, host: str) -> None:
    grants = {
        user: " ".join(row[0] for row in stack.root_sql(f"SHOW GRANTS FOR '{user}'@'{host}'"))
        for user in ("logsieve_stream", "logsieve_reader", "logsieve_airflow")
    }
    assert "INSERT" not in grants["logsieve_reader"]
    assert "GRANT SELECT ON `dim_users`" in grants["logsieve_stream"]
    assert all("ALL PRIVILEGES" not in found and "SUPER" not in found for found in grants.values())


def test_every_server_listens_on_loopback_only(stack: Stack) -> None:
    import psutil

    ports = set(ports_used(stack.env.engine, stack.env.settings, stack.env.ports).values())
    listening = [c.laddr for c in psutil.net_connections("tcp") if c.status == "LISTEN" and c.laddr.port in ports]
    assert {address.port for address in listening} == ports
    assert {address.ip for address in listening} <= {"127.0.0.1", "::ffff:127.0.0.1"}


@pytest.mark.parametrize("command", sorted(set(re.findall(r"^\./logsieve ([a-z]+)", README, re.MULTILINE))))
def test_each_command_of_the_readme_exists(stack: Stack, command: str) -> None:
    known = stack.run("--help").stdout
    assert re.search(rf"^\W*{command}\b", known, re.MULTILINE)


def test_the_tools_of_kafka_and_elasticsearch_log_in_by_themselves(stack: Stack) -> None:
    wait_until_it_loads(stack)
    read = stack.run(
        "kafka-console-consumer", "--topic", "server-logs-status", "--from-beginning", "--max-messages", "2"
    )
    assert read.returncode == 0, read.stderr
    assert {json.loads(line)["status"] for line in read.stdout.splitlines()} <= set(STATUSES)
    assert "server-logs-status" in stack.run("kafka-topics", "--list").stdout.split()
    assert "LAG" in stack.run("kafka-consumer-groups", "--describe", "--group", INDEXER_GROUP).stdout
    topic = ("--entity-type", "topics", "--entity-name", "server-logs")
    assert "compression.type" in stack.run("kafka-configs", "--describe", *topic).stdout
    assert json.loads(stack.run("curl", "/server-logs/_count").stdout)["count"] > 0


def test_mysqls_client_logs_in_or_the_error_says_how_to_get_it(stack: Stack) -> None:
    query = "SELECT COUNT(*) > 0, USER() FROM good_logs"
    done = stack.run("mysql", "logs", "--batch", "--skip-column-names", "-e", query)
    if mysqld.client(stack.env.settings):
        assert done.stdout.split() == ["1", "root@localhost"], "it came by the socket"
    else:
        assert "Install it: default-mysql-client" in done.stderr
