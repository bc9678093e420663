"""The lines of a TOML file: where each table and key is, for errors. Pure.

Python's reader of TOML does not tell. This looks for headers and keys at the beginnings of lines, which is how people
write them; of anything else, the line of what is around it is returned.
"""

import re
from collections import Counter
from collections.abc import Sequence

Place = tuple[str | int, ...]
"""Of a value in the document: keys, and places in arrays from 0."""

_HEADER = re.compile(r"\s*(\[\[?)\s*([A-Za-z0-9_-]+(?:\s*\.\s*[A-Za-z0-9_-]+)*)\s*\]")
_KEY = re.compile(r"\s*([A-Za-z0-9_-]+)\s*=")


class Lines:
    """The lines of the text, from 1."""

    def __init__(self, text: str) -> None:
        self._found: dict[Place, int] = {}
        counts: Counter[Place] = Counter()
        at: Place = ()
        for number, line in enumerate(text.splitlines(), 1):
            if header := _HEADER.match(line):
                at = ()
                *outer, last = re.split(r"\s*\.\s*", header[2])
                for name in outer:
                    at = (*at, name)
                    at = (*at, counts[at] - 1) if at in counts else at
                at = (*at, last)
                if header[1] == "[[":
                    self._found.setdefault(at, number)
                    counts[at] += 1
                    at = (*at, counts[at] - 1)
                self._found[at] = number
            elif key := _KEY.match(line):
                self._found.setdefault((*at, key[1]), number)

    def of(self, place: Sequence[str | int]) -> int:
        """The line of a place, or of the nearest one around it."""
        for length in range(len(place), 0, -1):
            if (found := self._found.get(tuple(place[:length]))) is not None:
                return found
        return 1
