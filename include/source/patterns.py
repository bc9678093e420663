"""Makes texts that match a pattern of a contract, in the syntax of RE2. Pure.

It knows what patterns of logs are made of: characters, classes, groups, alternatives and repetitions. A contract whose
pattern has more, such as flags, gives `examples`.
"""

import random
import re
import sys
import unicodedata
from collections.abc import Callable
from functools import cache
from typing import Final

Make = Callable[[random.Random, int], str]
"""Makes a text with at most so many repetitions of what has no limit."""

_ASCII: Final = "".join(map(chr, range(32, 127)))
_CLASSES: Final = {
    "d": "0123456789",
    "w": "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz",
    "s": " \t",
}
_NAMED: Final = {
    "alnum": str.isalnum, "alpha": str.isalpha, "digit": str.isdigit, "lower": str.islower, "upper": str.isupper,
    "space": str.isspace, "punct": lambda each: not each.isalnum() and not each.isspace(),
    "xdigit": lambda each: each in "0123456789abcdefABCDEF", "word": lambda each: each in _CLASSES["w"],
}  # fmt: skip
_CONTROLS: Final = {"n": "\n", "t": "\t", "r": "\r", "f": "\f", "v": "\v", "a": "\a"}
_COUNT: Final = re.compile(r"\{(\d+)(,?)(\d*)\}")
_MOST_LETTERS: Final = 200


class UnknownPatternError(ValueError):
    """The pattern has something for which no text can be made."""


def maker(pattern: str) -> Make:
    """Returns what makes texts that match the pattern. Raises UnknownPatternError."""
    parser = _Parser(pattern)
    made = parser.alternatives()
    if parser.rest:
        raise UnknownPatternError(f"{parser.rest!r} was not understood")
    return made


class _Parser:
    def __init__(self, pattern: str) -> None:
        self.rest = pattern

    def alternatives(self) -> Make:
        branches = [self._sequence()]
        while self._took("|"):
            branches.append(self._sequence())
        return lambda rng, most: rng.choice(branches)(rng, most)

    def _sequence(self) -> Make:
        parts: list[Make] = []
        while self.rest and self.rest[0] not in "|)":
            parts.append(self._repeated(self._atom()))
        return lambda rng, most: "".join(part(rng, most) for part in parts)

    def _repeated(self, atom: Make) -> Make:
        least, most = 1, 1
        counted = _COUNT.match(self.rest)
        if counted:
            self.rest = self.rest[counted.end() :]
            least = int(counted[1])
            most = int(counted[3]) if counted[3] else -1 if counted[2] else least
        else:
            for sign, limits in (("*", (0, -1)), ("+", (1, -1)), ("?", (0, 1))):
                if self._took(sign):
                    least, most = limits
                    break
            else:
                return atom
        self._took("?")  # fewer first, which makes no difference here

        def make(rng: random.Random, highest: int) -> str:
            end = max(least, highest if most < 0 else min(most, max(highest, least)))
            return "".join(atom(rng, highest) for _ in range(rng.randint(least, end)))

        return make

    def _atom(self) -> Make:
        if self._took("("):
            if self.rest.startswith("?"):
                head = re.match(r"\?(:|P?<\w+>)", self.rest)
                if head is None:
                    raise UnknownPatternError(f"({self.rest[:3]} was not understood")
                self.rest = self.rest[head.end() :]
            made = self.alternatives()
            if not self._took(")"):
                raise UnknownPatternError("a group has no end")
            return made
        if self._took("["):
            return _one_of(self._set())
        if self._took("^") or self._took("$") or self._took(r"\A") or self._took(r"\z"):
            return lambda rng, most: ""
        if self._took("."):
            return _one_of(_ASCII)
        if self._took("\\"):
            return _one_of(self._escaped())
        return _one_of(self._next())

    def _set(self) -> str:
        is_without, found, is_first = self._took("^"), "", True
        while is_first or not self.rest.startswith("]"):
            is_first = False
            named = re.match(r"\[:(\^?)(\w+):\]", self.rest)
            if named and named[2] in _NAMED:
                self.rest = self.rest[named.end() :]
                found += "".join(each for each in _ASCII if _NAMED[named[2]](each) != bool(named[1]))
                continue
            begin = self._escaped() if self._took("\\") else self._next()
            if len(begin) == 1 and self.rest[:1] == "-" and self.rest[1:2] not in ("]", ""):
                self.rest = self.rest[1:]
                last = self._escaped() if self._took("\\") else self._next()
                begin = "".join(map(chr, range(ord(begin), min(ord(last), ord(begin) + _MOST_LETTERS) + 1)))
            found += begin
        self.rest = self.rest[1:]
        return "".join(each for each in _ASCII if each not in found) if is_without else found

    def _escaped(self) -> str:
        """The characters that an escape stands for, some of them if there are many."""
        if category := re.match(r"([pP])(?:\{(\^?)(\w+)\}|(\w))", self.rest):
            self.rest = self.rest[category.end() :]
            return _of_category(category[3] or category[2 + 2], (category[1] == "P") != bool(category[2]))
        if code := re.match(r"x(?:\{([0-9A-Fa-f]+)\}|([0-9A-Fa-f]{2}))", self.rest):
            self.rest = self.rest[code.end() :]
            return chr(int(code[1] or code[2], 16))
        name = self._next()
        if name.lower() in _CLASSES:
            known = _CLASSES[name.lower()]
            return known if name.islower() else "".join(each for each in _ASCII if each not in known)
        if name in _CONTROLS:
            return _CONTROLS[name]
        if name.isalnum():
            raise UnknownPatternError(rf"\{name} was not understood")
        return name

    def _next(self) -> str:
        if not self.rest:
            raise UnknownPatternError("it ends too early")
        first, self.rest = self.rest[0], self.rest[1:]
        return first

    def _took(self, text: str) -> bool:
        is_next = self.rest.startswith(text)
        if is_next:
            self.rest = self.rest[len(text) :]
        return is_next


def _one_of(letters: str) -> Make:
    if not letters:
        raise UnknownPatternError("a class has no characters")
    return lambda rng, most: rng.choice(letters)


@cache
def _of_category(name: str, is_without: bool) -> str:
    found = ""
    for code in range(32, sys.maxunicode + 1):
        if not 0xD800 <= code < 0xE000 and unicodedata.category(chr(code)).startswith(name) != is_without:
            found += chr(code)
            if len(found) == _MOST_LETTERS:
                return found
    if not found:
        raise UnknownPatternError(f"the class {name} was not understood")
    return found
