"""The contract that a driver judges by: its start checks that it is in effect, and it ends once another one is."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Final

import mysql.connector

from include.contract.changing import in_effect, kept
from include.contract.model import Contract
from include.driver.exit_codes import DriverEnd
from jobs.database import Database
from jobs.ends import EndError

_LOOK_SECONDS: Final = 2

_log = logging.getLogger("logsieve.contract")


class OtherContractError(EndError):
    """Another contract is in effect, or the tables are of another one."""

    exit_code = DriverEnd.OTHER_CONTRACT


def check(database: Database, contract: Contract) -> None:
    """Raises OtherContractError, and MySQL's errors."""
    with database.session() as connection, closing(connection.cursor()) as cursor:
        cursor.execute(kept.COLUMNS)
        rows = cursor.fetchall()
        if found := in_effect.difference(cursor, contract) or kept.difference(contract, rows):  # type: ignore[arg-type]
            raise OtherContractError(found)


@contextmanager
def watched(database: Database, contract: Contract, on_other: Callable[[OtherContractError], None]) -> Iterator[None]:
    """Calls `on_other` once, from a thread, as soon as another contract is in effect."""
    ended = threading.Event()
    arguments = (database, contract, on_other, ended)
    thread = threading.Thread(target=_watch, args=arguments, name="contract", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()


def _watch(
    database: Database, contract: Contract, on_other: Callable[[OtherContractError], None], ended: threading.Event
) -> None:
    while not ended.wait(_LOOK_SECONDS):
        try:
            with database.session() as connection, closing(connection.cursor()) as cursor:
                found = in_effect.newest(cursor)
        except (mysql.connector.Error, OSError) as error:
            _log.debug("MySQL does not answer: %s", error)  # load reports it
            continue
        if found is not None and found != contract:
            on_other(
                OtherContractError(
                    f"version {found.version} of the contract is in effect, this driver judges by {contract.version}:"
                    " it exits, and the next try judges by that one"
                )
            )
            return
