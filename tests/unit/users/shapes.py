"""Shapes of exports: of the contract that ships, and of the tests' one. And its accounts."""

from datetime import date

from include.contract import reading
from include.contract.model import Contract
from include.settings import ROOT
from include.source.accounts import Accounts
from include.users.shape import Shape


def shape_of(contract: Contract) -> Shape:
    """The shape of its exports."""
    found = Shape.of(contract)
    assert found is not None
    return found


SHIPPED = shape_of(reading.load(ROOT / "contract.toml"))
OTHER_CONTRACT = reading.load(ROOT / "tests" / "contracts" / "contract.toml")
OTHER = shape_of(OTHER_CONTRACT)


def devices_of(accounts: Accounts, day: date) -> dict[int, str]:
    """The device of each account on a UTC day, for the contract that ships."""
    return {int(key): str(device) for key, (device,) in accounts.on(day).items()}
