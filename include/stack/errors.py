"""The expected failures of the stack, each with its remedy."""


class StackError(Exception):
    """A failure that the user can fix: `message` states what happened, `remedy` what to do."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
