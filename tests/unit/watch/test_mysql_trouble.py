"""Each error of MySQL is the state of a server: what it says, what to do; what is not of MySQL is left alone."""

import mysql.connector
import pytest
from mysql.connector import errorcode
from mysql.connector.errors import get_mysql_exception

from include.topics.readers import StalledError
from include.watch import mysql_trouble
from include.watch.troubles import Trouble, TroubleError

JDBC_AWAY = (
    "[FAILED_JDBC.UNCLASSIFIED] Failed JDBC.\n"
    "com.mysql.cj.jdbc.exceptions.CommunicationsException: Communications link failure\n\tat com.mysql.cj"
)
JDBC_DENIED = "An error: java.sql.SQLSyntaxErrorException: SELECT command denied to user 'logsieve_stream'\n\tat"


@pytest.mark.parametrize(
    ("number", "remedy"),
    [
        (3948, "local_infile = ON"),
        (1148, "local_infile = ON"),
        (1044, "rights and the password"),
        (1045, "rights and the password"),
        (1142, "rights and the password"),
        (1227, "rights and the password"),
        (1820, "rights and the password"),
        (3118, "rights and the password"),
        (3159, "require_secure_transport = OFF"),
        (1205, "SHOW PROCESSLIST"),
        (1213, "SHOW PROCESSLIST"),
        (1153, "max_allowed_packet"),
        (1049, "include/sql/logs.sql"),
        (1054, "include/sql/logs.sql"),
        (1146, "include/sql/logs.sql"),
        (1644, "trigger"),
        (1406, "differs from include/sql/logs.sql"),
        (1021, "Free disk space"),
        (1030, "Free disk space"),
        (1114, "Free disk space"),
        (1290, "super_read_only = OFF"),
        (1836, "super_read_only = OFF"),
        (3032, "offline_mode = OFF"),
        (3989, "READ ONLY = 0"),
        (1040, "max_connections"),
        (1203, "max_connections"),
        (1226, "max_connections"),
        (1317, "KILL"),
        (3024, "max_execution_time"),
        (1053, "logs mysql"),
        (2013, "logs mysql"),
        (3750, "tries again"),  # nothing of its own: any other error is told too
    ],
)
def test_what_the_server_says_comes_with_its_remedy(number: int, remedy: str):
    # As the client makes them, whose classes say little: 1114 and 3948 are DatabaseErrors or ProgrammingErrors.
    found = mysql_trouble.of(get_mysql_exception(number, "what it\n says", "42000"))
    assert found is not None
    assert found.sentence.endswith(f": what it says (error {number})")
    assert remedy.lower() in found.remedy.lower()


def test_no_number_has_two_remedies():
    numbers = [number for several in mysql_trouble._BY_REMEDY.values() for number in several]
    assert len(numbers) == len(set(numbers))


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (mysql.connector.InterfaceError("no file"), "MySQL does not answer: no file"),
        (ConnectionResetError("reset by peer"), "MySQL does not answer: reset by peer"),
        (OSError(28, "No space left on device"), "this machine refuses: [Errno 28] No space left on device"),
        (RuntimeError(JDBC_AWAY), "MySQL refuses: Communications link failure"),
        (RuntimeError("[FAILED_JDBC.LOAD_TABLE] Failed JDBC"), "MySQL refuses: [FAILED_JDBC.LOAD_TABLE] Failed JDBC"),
        (RuntimeError(JDBC_DENIED), "MySQL refuses: SELECT command denied to user 'logsieve_stream'"),
        (TroubleError(Trouble("a row is there", "remove it")), "a row is there"),
    ],
)
def test_errors_without_a_number_are_told_too(error: Exception, sentence: str):
    found = mysql_trouble.of(error)
    assert found is not None
    assert found.sentence == sentence
    assert found.remedy


@pytest.mark.parametrize("error", [ValueError("why"), StalledError("why"), RuntimeError("java.lang.OutOfMemoryError")])
def test_what_is_not_of_mysql_is_left_alone(error: Exception):
    assert mysql_trouble.of(error) is None


def test_the_client_knows_local_infile_by_this_number():
    assert errorcode.ER_CLIENT_LOCAL_FILES_DISABLED == 3948


def test_an_error_that_the_client_reworded_keeps_its_remedy():
    try:
        raise mysql.connector.DatabaseError("rejected") from mysql.connector.ProgrammingError(
            "local data is disabled", errno=3948
        )
    except mysql.connector.DatabaseError as error:
        trouble = mysql_trouble.of(error)
    assert trouble is not None
    assert trouble.sentence == "MySQL refuses: local data is disabled (error 3948)"
    assert "local_infile = ON" in trouble.remedy
