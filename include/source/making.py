"""Chooses what generates the logs of a contract."""

from typing import Any

from include.contract.model import Contract
from include.source import population, shipped
from include.source.accounts import Accounts
from include.source.any_log import AnyLogMaker
from include.source.errors import NoLogError
from include.source.log_maker import LogMaker


def why_not(contract: Contract) -> NoLogError | None:
    """Why no logs of the contract can be generated; None: they can."""
    try:
        source = maker(contract, Accounts(0, 10, population.of(contract)), 0, share_bad=0, share_suspicious=0)
        source.make()
    except NoLogError as error:
        return error
    return None


def maker(contract: Contract, accounts: Accounts, seed: int | str, **how: Any) -> LogMaker | AnyLogMaker:
    """The source of its logs; `how`: see Draws. Raises ValueError for impossible shares, and NoLogError."""
    if shipped.is_for(contract):
        return LogMaker(accounts, seed, **how)
    return AnyLogMaker(contract, accounts, seed, **how)
