"""Chooses what generates the logs of a contract."""

from typing import Any

from include.contract.model import Contract
from include.source import shipped
from include.source.accounts import Accounts
from include.source.any_log import AnyLogMaker
from include.source.log_maker import LogMaker


def maker(contract: Contract, accounts: Accounts, seed: int | str, **how: Any) -> LogMaker | AnyLogMaker:
    """The source of its logs; `how`: see Draws. Raises ValueError for impossible shares, or if no log can be made."""
    if shipped.is_for(contract):
        return LogMaker(accounts, seed, **how)
    return AnyLogMaker(contract, accounts, seed, **how)
