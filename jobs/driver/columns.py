"""Checks that the tables of verdicts are those of the contract: what is judged by another one could not be loaded."""

from contextlib import closing

from include.contract import kept
from include.contract.model import Contract
from include.driver.exit_codes import DriverEnd
from jobs.database import Database
from jobs.ends import EndError


class OtherContractError(EndError):
    """The tables were created for another contract."""

    exit_code = DriverEnd.NOT_PROVISIONED


def check(database: Database, contract: Contract) -> None:
    """Raises OtherContractError, and MySQL's errors."""
    with database.session() as connection, closing(connection.cursor()) as cursor:
        cursor.execute(kept.COLUMNS)
        if found := kept.difference(contract, cursor.fetchall()):  # type: ignore[arg-type]
            raise OtherContractError(found)
