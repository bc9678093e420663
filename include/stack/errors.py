"""What goes wrong with the stack, always with its remedy."""


class StackError(Exception):
    """Something the person at the shell can mend: `message` says what is wrong, `remedy` what to do."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
