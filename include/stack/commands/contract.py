"""The commands `contract check` and `contract show`."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from include.contract import documents, reading, reasons, tables
from include.contract.errors import ContractError
from include.contract.model import USUAL, Contract, Field
from include.settings import Settings
from include.stack import tables as printed
from include.stack.commands.terminal import Json, out

app = typer.Typer(no_args_is_help=True, help="The contract: what a log is, as one file declares it.")

File = Annotated[Path | None, typer.Argument(help="The file; by default that of LOGSIEVE_CONTRACT.")]


@app.command()
def check(file: File = None, as_json: Json = False) -> None:
    """Checks the file; names the line of each mistake, and what to do. Exits with 1 if there is any."""
    from include.source import making  # numpy takes 0.1 s, too long for every command

    path = file or Settings().contract
    try:
        contract = reading.load(path)
    except ContractError as error:
        if as_json:
            out.print_json(json.dumps({"file": str(path), "problems": [vars(each) for each in error.problems]}))
            raise typer.Exit(1) from None
        raise
    ungenerated = making.why_not(contract)
    if as_json:
        found = {"file": str(path), "problems": [], "sha256": documents.digest(contract)}
        out.print_json(json.dumps(found | {"generated": str(ungenerated) if ungenerated else "yes"}))
        return
    out.print(f"ok: {summary(contract)}", highlight=False)
    if ungenerated:
        out.print(f"But there will be no generated logs. {ungenerated}", highlight=False, markup=False, soft_wrap=True)


@app.command()
def show(file: File = None, as_json: Json = False) -> None:
    """Shows the fields with their types, limits and columns, and all reasons."""
    contract = reading.load(file or Settings().contract)
    if as_json:
        found = documents.to_document(contract) | {
            "sha256": documents.digest(contract),
            "reasons": {"bad": reasons.of_bad_logs(contract), "suspicious": reasons.of_suspicious_logs(contract)},
        }
        out.print_json(json.dumps(found))
        return
    table = printed.new("field", "type", "limits", "column", "reasons")
    for field in contract.fields:
        own = (reason.removesuffix(f"_{field.name}") for reason in reasons.of_field(field))
        cells = _named(field), _type(field), limits(field), tables.column_type(field), ", ".join(own)
        table.add_row(*map(escape, cells))
    out.print(table)
    out.print(f"A reason ends in its field: missing_{contract.names[0]}.", highlight=False)
    for rule in contract.rules:
        out.print(f"{rule.name}: {reasons.of_rule(rule)}", highlight=False, markup=False)
    for reason, meaning in reasons.of_suspicious_logs(contract).items():
        out.print(f"{reason}: {meaning}", highlight=False, markup=False)
    out.print(f"{summary(contract)}. SHA-256 {documents.digest(contract)[:12]}", highlight=False)


def summary(contract: Contract) -> str:
    """The numbers of fields, rules and reasons, and the dimension."""
    dimension = contract.dimension
    compared = [each.field for each in dimension.attributes] if dimension else []
    looked_up = f"{dimension.key} looked up for {', '.join(compared)}" if dimension else "no dimension"
    count = len(reasons.of_bad_logs(contract)), len(reasons.of_suspicious_logs(contract))
    rules = f", {len(contract.rules)} rules" if contract.rules else ""
    return f"{len(contract.fields)} fields{rules}, {looked_up}, {count[0]} + {count[1]} reasons"


def limits(field: Field) -> str:
    """What a value of the field may be, in words."""
    words = [] if field.required else ["optional"]
    words += ["or null"] if field.null else []
    if field.type == "text":
        words.append(f"{field.least} to {field.most} characters")
    elif (field.least, field.most) != USUAL[field.form]:
        words.append(f"{field.least} to {field.most}")
    words += [f"one of {', '.join(map(str, field.one_of))}"] if field.one_of else []
    words += [f"like {field.pattern}"] if field.pattern is not None else []
    return ", ".join(words)


def _named(field: Field) -> str:
    path = ".".join(field.path)
    return field.name if path == field.name else f"{field.name} ({path})"


def _type(field: Field) -> str:
    return f"{field.type}, {field.unit}" if field.unit else field.type
