"""Maps errors of MySQL to troubles: a server state that the stream waits out, and its remedy.

No such error is the fault of a log, so none stops the stream. Some pass by themselves, such as a lock; most need a
person.
"""

import re
from collections.abc import Mapping
from typing import Final

import mysql.connector
from mysql.connector import errorcode as code

from include.watch.troubles import Trouble, TroubleError

_AWAY: Final = "./logsieve status shows whether it is up, ./logsieve logs mysql shows its log"
_RIGHTS: Final = (
    "Grant its account the rights and the password in docs/own-servers.md#mysql; the embedded MySQL does this when it"
    " starts: ./logsieve down, then ./logsieve up"
)
_LOCKED: Final = (
    "SHOW PROCESSLIST shows the session that holds the lock, often a long read that blocks an ALTER TABLE: end it"
)
_MISSING: Final = (
    "It was renamed, dropped or changed: restore it as defined in include/sql/logs.sql."
    " ./logsieve airflow dags trigger bootstrap creates what is missing"
)
_ROWS: Final = "The table differs from include/sql/logs.sql, or has a trigger or constraint that is not ours: remove it"
_SPACE: Final = "Free disk space on the disks of MySQL's data folder and tmpdir"
PACKETS: Final = "SET GLOBAL max_allowed_packet = 67108864, and in the server's own configuration"
_READ_ONLY: Final = "SET GLOBAL super_read_only = OFF, SET GLOBAL read_only = OFF, SET GLOBAL offline_mode = OFF"
_CONNECTIONS: Final = "Close connections that are not needed, or raise max_connections and the account's own limits"

_DISK_FULL: Final = 1021
"""Missing from the client's own list."""
_BY_REMEDY: Final[Mapping[str, tuple[int, ...]]] = {
    "SET GLOBAL local_infile = ON, and in the server's own configuration": (
        code.ER_CLIENT_LOCAL_FILES_DISABLED, code.ER_NOT_ALLOWED_COMMAND,
    ),
    _RIGHTS: (
        code.ER_ACCESS_DENIED_ERROR, code.ER_ACCESS_DENIED_NO_PASSWORD_ERROR, code.ER_DBACCESS_DENIED_ERROR,
        code.ER_TABLEACCESS_DENIED_ERROR, code.ER_COLUMNACCESS_DENIED_ERROR, code.ER_SPECIFIC_ACCESS_DENIED_ERROR,
        code.ER_ACCOUNT_HAS_BEEN_LOCKED, code.ER_MUST_CHANGE_PASSWORD, code.ER_MUST_CHANGE_PASSWORD_LOGIN,
        code.ER_HOST_NOT_PRIVILEGED, code.ER_USER_ACCESS_DENIED_FOR_USER_ACCOUNT_BLOCKED_BY_PASSWORD_LOCK,
    ),
    "Let the server offer TLS (its ssl_cert, ssl_key), or SET GLOBAL require_secure_transport = OFF": (
        code.ER_SECURE_TRANSPORT_REQUIRED,
    ),
    "Find out why connections from here broke, then FLUSH HOSTS": (code.ER_HOST_IS_BLOCKED,),
    _LOCKED: (
        code.ER_LOCK_WAIT_TIMEOUT, code.ER_LOCK_DEADLOCK, code.ER_LOCK_NOWAIT, code.ER_LOCK_TABLE_FULL,
        code.ER_CANT_UPDATE_WITH_READLOCK,
    ),
    PACKETS: (
        code.ER_NET_PACKET_TOO_LARGE, code.ER_WARN_ALLOWED_PACKET_OVERFLOWED, code.CR_NET_PACKET_TOO_LARGE,
    ),
    _MISSING: (
        code.ER_BAD_DB_ERROR, code.ER_NO_SUCH_TABLE, code.ER_BAD_FIELD_ERROR, code.ER_NO_PARTITION_FOR_GIVEN_VALUE,
        code.ER_TABLESPACE_MISSING, code.ER_TABLESPACE_DISCARDED,
    ),
    _ROWS: (
        code.ER_SIGNAL_EXCEPTION, code.ER_DATA_TOO_LONG, code.ER_WARN_DATA_OUT_OF_RANGE, code.WARN_DATA_TRUNCATED,
        code.ER_TRUNCATED_WRONG_VALUE, code.ER_TRUNCATED_WRONG_VALUE_FOR_FIELD, code.ER_BAD_NULL_ERROR,
        code.ER_NO_DEFAULT_FOR_FIELD, code.ER_DUP_ENTRY, code.ER_NO_REFERENCED_ROW_2, code.ER_ROW_IS_REFERENCED_2,
        code.ER_CHECK_CONSTRAINT_VIOLATED, code.ER_NON_INSERTABLE_TABLE, code.ER_INVALID_JSON_TEXT,
        code.ER_CANT_UPDATE_USED_TABLE_IN_SF_OR_TRG, code.ER_SP_DOES_NOT_EXIST,
    ),
    _SPACE: (
        _DISK_FULL, code.ER_RECORD_FILE_FULL, code.ER_ERROR_ON_WRITE, code.ER_CANT_CREATE_FILE, code.ER_GET_ERRNO,
        code.ER_TEMP_FILE_WRITE_FAILURE, code.ER_TRANS_CACHE_FULL,
    ),
    _READ_ONLY: (
        code.ER_OPTION_PREVENTS_STATEMENT, code.ER_READ_ONLY_MODE, code.ER_SERVER_OFFLINE_MODE,
        code.ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION, code.ER_OPEN_AS_READONLY, code.ER_INNODB_READ_ONLY,
    ),
    "ALTER DATABASE … READ ONLY = 0": (code.ER_SCHEMA_READ_ONLY,),
    _CONNECTIONS: (
        code.ER_CON_COUNT_ERROR, code.ER_TOO_MANY_USER_CONNECTIONS, code.ER_USER_LIMIT_REACHED,
        code.ER_CANT_CREATE_THREAD,
    ),
    "Its statements are being terminated: find the cause, such as KILL or max_execution_time": (
        code.ER_QUERY_INTERRUPTED, code.ER_QUERY_TIMEOUT, code.ER_SESSION_WAS_KILLED,
        code.ER_CLIENT_INTERACTION_TIMEOUT,
    ),
    _AWAY: (
        code.ER_SERVER_SHUTDOWN, code.CR_CONNECTION_ERROR, code.CR_CONN_HOST_ERROR, code.CR_UNKNOWN_HOST,
        code.CR_SERVER_GONE_ERROR, code.CR_SERVER_LOST, code.CR_SERVER_LOST_EXTENDED,
    ),
}  # fmt: skip
_REMEDIES: Final = {number: remedy for remedy, numbers in _BY_REMEDY.items() for number in numbers}
_OTHER: Final = "There is no known remedy for this error; see its text. The driver tries again until it succeeds"

# JDBC errors in Spark's text: MySQL's classes if the server is down, Java's if it refuses, Spark's if it hides both.
_OF_JDBC: Final = (
    re.compile(r"(?:com\.mysql\.cj\S*|java\.sql\.SQL\w*)Exception:? *([^\n]*)"),
    re.compile(r"(\[FAILED_JDBC[^\n]*)"),
)


def of(error: BaseException) -> Trouble | None:
    """The error as a trouble, or None if MySQL is not the cause; a TroubleError has its own.

    An OSError comes from this machine: from the file that LOAD DATA sends, or from a broken connection.
    """
    if isinstance(error, TroubleError):
        return error.trouble
    if isinstance(error, mysql.connector.Error):
        return explain(error)
    if isinstance(error, ConnectionError | TimeoutError):
        return Trouble(f"MySQL does not answer: {error}", _AWAY)
    if isinstance(error, OSError):
        return Trouble(f"this machine refuses: {error}", "Free disk space in the folder for temporary files (TMPDIR)")
    for words in _OF_JDBC:
        if found := words.search(str(error)):
            return Trouble(f"MySQL refuses: {found[1].strip()}", f"{_RIGHTS}. {_MISSING}")
    return None


def explain(error: mysql.connector.Error) -> Trouble:
    """An error of the MySQL client as a trouble.

    The client rewords some errors of the server, which leaves the number to their cause.
    """
    of_server = error.__cause__
    told = of_server if error.errno <= 0 and isinstance(of_server, mysql.connector.Error) else error
    return _of_number(told.errno, told.msg or str(told))


def _of_number(number: int, text: str) -> Trouble:
    remedy = _REMEDIES.get(number)
    if number <= 0 and remedy is None:
        return Trouble(f"MySQL does not answer: {text}", _AWAY)
    what = "MySQL is unreachable" if remedy is _AWAY else "MySQL refuses"
    return Trouble(f"{what}: {' '.join(text.split())} (error {number})", remedy or _OTHER)
