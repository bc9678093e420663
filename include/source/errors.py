"""Why logs of a contract cannot be generated. Light, because every command knows it."""

from include.contract.model import Field


class NoLogError(ValueError):
    """No logs of the contract can be generated: `message` says why, `remedy` what to do."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(f"{message} {remedy}.")
        self.message, self.remedy = message, remedy


class NoValueError(NoLogError):
    """No value of a field can be generated."""

    def __init__(self, field: Field, why: str) -> None:
        what = f"No value of the field {field.name} can be generated: {why}."
        super().__init__(what, "Give the field examples = […] in the contract")
