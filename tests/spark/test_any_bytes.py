"""Any bytes get exactly one status, the same as from the model in plain Python."""

import json
import os

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, Phase, given, settings

from include.source import shipped
from tests.spark.conftest import USERS, Judge
from tests.spark.model import verdict

numbers = st.from_regex(
    r"-?(0|[1-9][0-9]{0,24})(\.[0-9]{1,4})?([eE][+-]?[0-9]{1,3})?",
    fullmatch=True,
    alphabet=st.characters(max_codepoint=127),
)
texts = st.one_of(
    st.text(max_size=70),
    st.sampled_from(
        ["", "684", "ANDROID", "1619724510", "true", "null", "{", "[]", "5.10", "-0", "0", " 684", "x" * 65]
    ),
    numbers,
    st.integers(-(2**33), 2**33).map(str),
)
quoted = st.builds(lambda text, ascii_only: json.dumps(text, ensure_ascii=ascii_only), texts, st.booleans())
odd = st.sampled_from(
    [r'"\ud800"', r'"\uDE00\uD83D"', r'"\uD83D\uDE00"', r'"\\ud800"', r'"\/\b\f"', "NaN", "01", "1.", "'x'", ""]
)
scalars = st.one_of(quoted, numbers, st.sampled_from(["true", "false", "null"]))
spaces = st.sampled_from(["", "", "", " ", "\n\t"])
names_ = st.one_of(
    st.sampled_from([f'"{field}"' for field in shipped.FIELDS]),
    st.sampled_from([r'"devi\u0063e"', '"Device"', '"device "', '""']),
    quoted,
)


def objects(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    pair = st.builds(lambda name, space, value: f"{name}{space}:{space}{value}", names_, spaces, values)
    return st.builds(lambda pairs, space: f"{{{space}{(',' + space).join(pairs)}}}", st.lists(pair, max_size=8), spaces)


def arrays(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.lists(values, max_size=3).map(lambda items: f"[{', '.join(items)}]")


values = st.recursive(scalars, lambda inner: st.one_of(objects(inner), arrays(inner)), max_leaves=6)
GOOD = ['"a"', '"684"', '"other"', '"ANDROID"', '"FR"', '"1619724510"']


@st.composite
def nearly_good(draw: st.DrawFn) -> str:
    """A good log with some of its values replaced, and up to two more pairs."""
    tokens = [draw(st.one_of(st.just(token), st.just(token), values)) for token in GOOD]
    pairs = [f'"{field}": {token}' for field, token in zip(shipped.FIELDS, tokens, strict=True)]
    pairs += draw(st.lists(st.builds("{}:{}".format, names_, st.one_of(values, values, odd)), max_size=2))
    return "{" + ", ".join(draw(st.permutations(pairs))) + "}"


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A nearly good log with a few bytes removed, inserted or replaced."""
    log = bytearray(draw(nearly_good()).encode())
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(log)))
        until = min(len(log), at + draw(st.integers(0, 4)))
        log[at:until] = draw(
            st.one_of(st.binary(max_size=2), st.sampled_from([b'"', b"{}", b"]", b",", b"\\", b"-", b"1"]))
        )
    return bytes(log)


KINDS = {
    "bytes": st.binary(max_size=60),
    "objects": st.one_of(objects(values), values).map(str.encode),
    "nearly good": nearly_good().map(str.encode),
    "mutated": mutated(),
}


EXAMPLES = int(os.environ.get("EXAMPLES", "600"))
"""Examples of each kind, new ones in each run."""


def many(kind: str, count: int) -> list[bytes]:
    logs: list[bytes] = []

    @settings(
        max_examples=count,
        phases=[Phase.generate],
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(KINDS[kind])
    def collect(log: bytes) -> None:
        logs.append(log)

    collect()
    return logs


@pytest.mark.parametrize("kind", KINDS)
def test_verdict_is_the_models(kind: str, judge: Judge) -> None:
    logs = many(kind, EXAMPLES)
    wrong = []
    for log, message in zip(logs, judge(logs), strict=True):
        found = {key: message[key] for key in (*shipped.FIELDS, "status", "reasons")}
        if found != verdict(log, USERS):
            wrong.append((log, found, verdict(log, USERS)))
    assert not wrong, "log {!r}\nfound {}\nmodel {}".format(*min(wrong, key=lambda case: len(case[0])))
