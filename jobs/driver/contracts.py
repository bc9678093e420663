"""The contract that a driver judges by: its start checks that it is in effect, and it ends once another one is."""

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from typing import Final

import mysql.connector

from include.contract.changing import in_effect
from include.contract.model import Contract
from include.driver.exit_codes import DriverEnd
from jobs.database import Database
from jobs.driver import watching
from jobs.ends import EndError

_LOOK_SECONDS: Final = 2

_log = logging.getLogger("logsieve.contract")


class OtherContractError(EndError):
    """Another contract is in effect, or the tables are of another one."""

    exit_code = DriverEnd.OTHER_CONTRACT


def check(database: Database, contract: Contract) -> None:
    """Raises OtherContractError, and MySQL's errors."""
    with database.session() as connection, closing(connection.cursor()) as cursor:
        if found := in_effect.difference(cursor, contract):
            raise OtherContractError(found)


def watched(
    database: Database, contract: Contract, on_other: Callable[[OtherContractError], None]
) -> AbstractContextManager[None]:
    """Calls `on_other` once, from a thread, as soon as another contract is in effect."""

    def look() -> OtherContractError | None:
        try:
            with database.session() as connection, closing(connection.cursor()) as cursor:
                found = in_effect.newest(cursor)
        except (mysql.connector.Error, OSError) as error:
            _log.debug("MySQL does not answer: %s", error)  # load reports it
            return None
        if found is None or found == contract:
            return None
        return OtherContractError(
            f"version {found.version} of the contract is in effect, this driver judges by {contract.version}:"
            " it exits, and the next try judges by that one"
        )

    return watching.watched("contract", look, _LOOK_SECONDS, on_other)
