"""Output fits a terminal of 80 columns without truncation."""

import io

from rich.console import Console

from include.proof.report import Proof
from include.settings import ROOT
from include.stack.machine.needs import Check
from include.stack.repair import proving
from include.stack.run import doctor


def printed(show) -> str:
    console = Console(width=80, file=io.StringIO())
    show(console)
    return console.file.getvalue()  # type: ignore[attr-defined]


def test_the_numbers_of_a_large_proof_are_not_wrapped():
    proofs = [Proof(11, 0, 16_123_457) for _ in range(2)]
    for proof in proofs:
        proof.keys = proof.rows = proof.documents = 16_123_457
    text = printed(lambda console: proving.show(console, proofs))
    assert text.count("16,123,457") == 8
    assert "documents" in text
    assert "11-16123456" in text
    assert "whole" in text


def test_long_words_are_wrapped():
    path = "/a/very/" + "long" * 20
    checks = [Check("state folder", path, f"Set it to another one than {path}.")]
    text = printed(lambda console: doctor.show(console, checks))
    assert "…" not in text
    words = "".join(line.split("│")[3].strip() for line in text.splitlines() if "│" in line)
    assert words == path


def test_all_tables_are_created_in_one_module():
    makers = [
        file.name for file in (ROOT / "include").rglob("*.py") if "rich.table" in file.read_text(encoding="utf-8")
    ]
    assert makers == ["tables.py"]
