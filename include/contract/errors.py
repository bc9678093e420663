"""What is wrong with a contract."""

from dataclasses import dataclass
from pathlib import Path

from include.contract.lines import Place


@dataclass(frozen=True)
class Problem:
    """A mistake, where it is in the document, and what to do."""

    place: Place
    what: str
    remedy: str


@dataclass(frozen=True)
class Located:
    """A mistake in a file. `line` counts from 1; `where` names the field, rule or table."""

    line: int
    where: str
    what: str
    remedy: str


class ContractError(Exception):
    """The file is no contract; `problems` has all mistakes, in the order of their lines."""

    def __init__(self, file: Path, problems: list[Located]) -> None:
        self.file = file
        self.problems = sorted(problems, key=lambda each: each.line)
        super().__init__("\n".join(f"{file.name}:{self.text(each)} {each.remedy}." for each in self.problems))

    @staticmethod
    def text(each: Located) -> str:
        """The line, the place and the mistake, without the remedy."""
        return f"{each.line}: {each.where}{': ' if each.where else ''}{each.what}."
