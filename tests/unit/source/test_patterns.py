"""Texts that are made for a pattern match it, by RE2 itself."""

import random

import pytest

from include.contract.patterns import matching
from include.source import patterns

PATTERNS = [
    "[0-9a-f-]+",
    r"\p{Lu}{2}",
    r"\d{3}-\d{2,4}",
    "GET|POST|(?:PUT|DELETE)",
    r"(?P<major>[0-9]+)\.([0-9]+)(\.[0-9]+)?",
    r"^[[:alpha:]_][\w.-]*@\w+\.(com|org)$",
    r"[^a-z\s]{1,5}",
    r"a*b+?c??",
    r"\x41\x{1F600}\.\\\[",
    r"[]a-c^-]{4}",
    r"\PL\P{Lu}\D\W\S.",
    r"/([a-z]+/)*[a-z]+",
    "",
]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_made_texts_match(pattern: str) -> None:
    make, rng = patterns.maker(pattern), random.Random(1)
    made = [make(rng, most) for most in (0, 1, 3, 9) for _ in range(50)]
    assert all(matching(pattern, made)), [
        text for text, fits in zip(made, matching(pattern, made), strict=True) if not fits
    ][:3]


@pytest.mark.parametrize("pattern", [r"(?i)abc", r"\bword", "(a", "[a", r"\p{Nonsense}", "a)"])
def test_what_is_not_understood_is_said(pattern: str) -> None:
    with pytest.raises(patterns.UnknownPatternError):
        patterns.maker(pattern)(random.Random(1), 3)
