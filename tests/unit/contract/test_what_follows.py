"""What follows from a contract: texts of numbers, what a cluster gets, what the commands print."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from include.contract import reading
from include.driver.shipping import settings_files
from include.proof.forms import number_text
from include.settings import ROOT, Settings
from include.stack.commands.contract import app

OTHER = ROOT / "tests" / "contracts" / "contract.toml"


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0.0, "0"),
        (-0.0, "0"),
        (684.0, "684"),
        (-684.5, "-684.5"),
        (0.001, "0.001"),
        (0.00099, "9.9e-4"),
        (1e-7, "1e-7"),
        (999999999999999.9, "999999999999999.9"),
        (1e15, "1e15"),
        (-1149476759011894.75, "-1.1494767590118948e15"),
        (5e-324, "5e-324"),
        (1.7976931348623157e308, "1.7976931348623157e308"),
    ],
)
def test_a_number_has_one_text(number: float, text: str) -> None:
    assert number_text(number) == text
    assert json.loads(text) == number


def test_a_cluster_gets_the_contract_that_was_checked_here(tmp_path: Path) -> None:
    settings = Settings(contract=OTHER)
    files = settings_files(settings, "settings")
    assert files["logsieve_contract"] == b"settings/contract.json"
    (tmp_path / "contract.json").write_bytes(files["contract.json"])
    assert reading.load(tmp_path / "contract.json") == reading.load(OTHER)


def test_check_says_what_was_found() -> None:
    done = CliRunner().invoke(app, ["check", str(OTHER)])
    assert done.output == "ok: 16 fields, 3 rules, user_id looked up for device, country, 59 + 3 reasons\n"
    assert json.loads(CliRunner().invoke(app, ["check", "--json"]).output)["problems"] == []


def test_check_says_if_no_logs_can_be_generated(tmp_path: Path) -> None:
    file = tmp_path / "contract.toml"
    file.write_text('[[field]]\nname = "a"\ntype = "text"\npattern = "(?i)a+"\n')
    said = CliRunner().invoke(app, ["check", str(file)]).output
    assert "But there will be no generated logs. No value of the field a can be generated" in said
    other = tmp_path / "other.toml"
    other.write_text('[[field]]\nname = "a"\ntype = "text"\npattern = "(?i)a+"\nexamples = ["Aa"]\n')
    assert CliRunner().invoke(app, ["check", str(other)]).output == "ok: 1 fields, no dimension, 8 + 0 reasons\n"


def test_check_lists_mistakes_as_json(tmp_path: Path) -> None:
    file = tmp_path / "contract.toml"
    file.write_text('[[field]]\nname = "a"\ntype = "int"\n')
    done = CliRunner().invoke(app, ["check", str(file), "--json"])
    (problem,) = json.loads(done.output)["problems"]
    assert (done.exit_code, problem["line"], problem["where"]) == (1, 3, "field a")


def test_show_fits_80_columns_and_shows_every_field() -> None:
    done = CliRunner().invoke(app, ["show"], env={"COLUMNS": "80"})
    assert max(map(len, done.output.splitlines())) <= 80
    assert "unexpected_device" in done.output
    shown = json.loads(CliRunner().invoke(app, ["show", str(OTHER), "--json"]).output)
    assert [field["name"] for field in shown["field"]] == list(reading.load(OTHER).names)
    assert "no_match_country" in shown["reasons"]["bad"]
